"""The card of a run: what its metadata says, and the pictures that it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from docmatix.config.description import describe_build
from docmatix.dataset.card import describe_metadata
from docmatix.dataset.published_card import shows, split_card
from docmatix.stages.support.job import Job
from docmatix.storage.run import RunDirectory


def check_metadata(job: Job, summary: Mapping[str, Any], on_remark: Callable[[str], object] | None) -> Iterator[str]:
    """Whether the card says of the dataset what its statistics say; a difference is a remark where these are heard."""
    try:
        head, _ = split_card(job.run.read("dataset/README.md").decode())
    except (ValueError, yaml.YAMLError) as error:
        mend = "put it right, or run the build once more, which writes it."
        yield f"dataset/README.md cannot be read ({error}): {mend}"
        return
    wanted = describe_metadata(describe_build(job.config), summary)
    if wrong := [name for name in wanted if head.get(name) != wanted[name]]:
        said = f"dataset/README.md says something else of `{wrong[0]}` than the dataset"
        if on_remark is None:
            yield f"{said}. The same build writes it anew."
        else:
            on_remark(f"{said}: `push` sends it so, the same build would write it anew.")


def list_card_pictures(run: RunDirectory) -> tuple[list[str], list[str]]:
    """The files in `plots` and `samples` that the card refers to, by their paths from it, and those it does not."""
    card = run.read("dataset/README.md").decode(errors="replace")
    there = [f"{folder}/{name}" for folder in ("plots", "samples") for name in run.names(f"dataset/{folder}")]
    shown = [name for name in there if shows(card, name)]
    return shown, sorted(set(there) - set(shown))


def describe_false_picture(name: str) -> str:
    """That the card shows a file that is no picture, as a problem."""
    return (
        f"{name} is shown by the card and is no PNG, JPEG or WebP as its name says: put a picture in its place, or take"
        " it out of the card."
    )
