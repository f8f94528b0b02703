"""Finished runs of many files, whose page images are as large as a test wants them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from docmatix.check.card import list_card_pictures
from docmatix.config.loading import dump_config
from docmatix.dataset.published_card import split_card
from docmatix.pdf.rendering import PageImage
from docmatix.stages.finish import finish_dataset
from docmatix.stages.support.job import Job
from docmatix.stages.support.output_files import divide_run
from docmatix.storage.run import Run
from tests.hub import Hub
from tests.jobs import FakeClient, curate, generate, make_job, pack, read_documents
from tests.pdfs import write_distinct_pdf

_LETTERS_A_FILE_DPI = 320
"""At this resolution a page is foreseen to take more than the megabyte that `pack.file_mb: 1` gives to a file."""


class NoiseSandbox:
    """Renders nothing: every page is the same noise, with a number at its end that makes it another file."""

    def __init__(self, side_px: int) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(noise).save(stream, "JPEG", quality=95)
        self._noise, self._side_px, self._pages = stream.getvalue(), side_px, 0

    def run(self, function: Callable[..., Any], path: Path, page_numbers: Sequence[int], **_: Any) -> list[PageImage]:
        images = []
        for _page in page_numbers:
            self._pages += 1
            data = self._noise + self._pages.to_bytes(4)
            images.append(PageImage(data, self._side_px, self._side_px, "RGB"))
        return images


def curate_wide_run(folder: Path, *, documents: int, **sections: Any) -> Job:
    """A job that is done up to `curate` and will pack one document a file."""
    job = make_job(
        folder,
        pdfs={f"{number:03d}.pdf": write_distinct_pdf(number) for number in range(documents)},
        plan={"documents_per_shard": 10},
        pack={"dpi": _LETTERS_A_FILE_DPI, "file_mb": 1, "license": "cc0-1.0"},
        **sections,
    )
    read_documents(job)
    for shard in job.run.shards("plan"):
        generate(job, shard, client=FakeClient())
        curate(job, shard)
    job.run.write("run.yaml", dump_config(job.config).encode())
    job.run.write("fingerprints.json", json.dumps(job.fingerprints).encode())
    assert len(divide_run(job)) == documents
    return job


def pack_wide_run(job: Job, *, side_px: int = 64) -> Iterator[int]:
    """Pack the files one by one; yields the number of each when it is committed. The last one completes the run."""
    sandbox = NoiseSandbox(side_px)
    outputs = divide_run(job)
    for output in outputs:
        pack(job, output, sandbox=sandbox)
        if output is outputs[-1]:
            finish_dataset(job)
        yield output.number


def build_wide_run(folder: Path, *, documents: int, side_px: int = 64, **sections: Any) -> Run:
    job = curate_wide_run(folder, documents=documents, **sections)
    list(pack_wide_run(job, side_px=side_px))
    return job.run


# --- what a push makes of them ----------------------------------------------------------------------------------------


def hash_shards(run: Run, *, folder: str = "data", split: str = "train") -> dict[str, str]:
    """The sha256 of every data file, by its path in the repository."""
    return {
        f"{folder}/{split}{Path(record.file).name.removeprefix('train')}": record.sha256
        for _, record in run.records("pack")
    }


def list_extras(run: Run) -> list[str]:
    """What is sent besides data and card."""
    return [*list_card_pictures(run)[0], "stats.json"]


def hash_pushed(hub: Hub, *, branch: str = "main") -> dict[str, str | None]:
    return {path: file.sha256 for path, file in hub.files("anna/set", branch).items() if path.endswith(".parquet")}


def read_paths(card: bytes | str) -> dict[tuple[str, str], str]:
    head, _ = split_card(card if isinstance(card, str) else card.decode())
    return {(c["config_name"], each["split"]): each["path"] for c in head["configs"] for each in c["data_files"]}
