"""The card of a run: what its metadata says, and the pictures that it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from docmatix.check.files import REBUILD
from docmatix.config.description import describe_build
from docmatix.dataset.card import describe_metadata
from docmatix.dataset.published_card import shows, split_card
from docmatix.stages.support.job import Job
from docmatix.storage.earlier_schemas import list_dataset_schemas
from docmatix.storage.run import Run
from docmatix.storage.schemas import describe_features

AS_IS = ": `push` sends it as it is; a rerun of the build would overwrite it."


def check_metadata(job: Job, summary: Mapping[str, Any], on_remark: Callable[[str], object] | None) -> Iterator[str]:
    """Where the card and the statistics disagree; a problem, or a remark if remarks are taken."""
    try:
        head, _ = split_card(job.run.read("dataset/README.md").decode())
    except ValueError as error:
        yield f"dataset/README.md cannot be read ({error}): repair it, or rerun the build to rewrite it."
        return
    wanted = describe_metadata(describe_build(job.config), summary)
    said_info = head.get("dataset_info")
    if isinstance(said_info, dict):
        features = said_info.get("features")
        versions = [describe_features(one) for one in list_dataset_schemas(job.config.pack.schema_)]
        if features in versions:  # the card is as old as its dataset
            wanted["dataset_info"] |= {"features": features}
    if wrong := [name for name in wanted if head.get(name) != wanted[name]]:
        said = f"dataset/README.md does not say of `{wrong[0]}` what the dataset does"
        if on_remark is None:
            yield f"{said}. {REBUILD}"
        else:
            on_remark(f"{said}{AS_IS}")


def list_card_pictures(run: Run) -> tuple[list[str], list[str]]:
    """The files in `plots` and `samples` that the card refers to, by their paths from it, and those it does not."""
    card = run.read("dataset/README.md").decode(errors="replace")
    found = [f"{folder}/{name}" for folder in ("plots", "samples") for name in run.names(f"dataset/{folder}")]
    shown = [name for name in found if shows(card, name)]
    return shown, sorted(set(found) - set(shown))


def describe_false_picture(name: str) -> str:
    """That the card shows a file that is not a picture, as a problem."""
    return (
        f"{name} is shown by the card but is not the PNG, JPEG or WebP that its name says: replace it, or remove it"
        " from the card."
    )
