"""What a format is: it writes the samples of one split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from docmatix.core.kinds import Kind
from docmatix.exports.samples import Sample


class Export(Kind):
    """A format, which `docmatix export --format` chooses by its kind."""

    family: ClassVar[str] = "export"
    summary: ClassVar[str]
    """What it writes, in one line, for `docmatix export --help`."""
    needs_run: ClassVar[bool] = False
    """Whether its samples are whole documents with their PDFs, which only a run can find."""

    def write_split(self, samples: Iterable[Sample], folder: Path, *, split: str, name: str) -> Counter[str]:
        """Write one split of the dataset `name`, and return how many pairs were left out, by reason.

        A split without samples is written too.
        """
        raise NotImplementedError
