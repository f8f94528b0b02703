"""Builds document visual question answering datasets: PDFs in, page images with question-answer pairs out.

The verbs of the command line are functions here; nothing heavy is imported before one is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from docmatix.errors import BuildError, DocmatixError, SetupError

if TYPE_CHECKING:
    from docmatix.collection import Collection
    from docmatix.config import Config
    from docmatix.driver import Built

__all__ = ["BuildError", "DocmatixError", "SetupError", "build", "open"]


def build(config: Config | str | Path, *, run: str | Path | None = None, **options: Any) -> Built:
    """Build a dataset from a configuration or its file, or continue its build; see `docmatix.driver.build`."""
    from docmatix.config import load_config
    from docmatix.driver import build

    if isinstance(config, (str, Path)):
        options.setdefault("config_dir", Path(config).resolve().parent)
        config = load_config(config)
    return build(config, run=run, **options)


def open(path: str | Path, *, fetch: bool = False) -> Collection:
    """Open a run, a dataset folder or a Hub repository to look at its rows, pairs, and what was dropped. With `fetch`,
    pages are rendered from sources on other machines too."""
    from docmatix.collection import Collection

    return Collection(str(path), fetch=fetch)
