"""The formats by name: the project's own, and those of other packages."""

from __future__ import annotations

from collections.abc import Mapping

from docmatix.core.errors import SetupError
from docmatix.core.kinds import collect_kinds
from docmatix.exports.docvqa import Docvqa
from docmatix.exports.export import Export
from docmatix.exports.florence2 import Florence2
from docmatix.exports.llava import Llava
from docmatix.exports.messages import Messages
from docmatix.exports.mp_docvqa import MpDocvqa
from docmatix.exports.pdf import Pdf
from docmatix.exports.webdataset import Webdataset

EXPORTS: tuple[type[Export], ...] = (Docvqa, MpDocvqa, Llava, Messages, Florence2, Webdataset, Pdf)


def list_formats() -> Mapping[str, type[Export]]:
    """Every format by its name. Raises SetupError as `collect_kinds` does."""
    return collect_kinds(Export, EXPORTS)


def find_format(name: str) -> Export:
    """The format of this name. Raises SetupError if there is none."""
    formats = list_formats()
    if name not in formats:
        raise SetupError(f"There is no format {name!r}; there are {', '.join(formats)}.")
    return formats[name].model_validate({"kind": name})


def describe_formats() -> str:
    """One line for each format: its name and its summary."""
    formats = list_formats()
    width = max(map(len, formats)) + 3
    return "\n".join(f"  {name:{width}}{kind.summary}" for name, kind in formats.items())
