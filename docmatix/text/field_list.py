"""Fields in one line of text, as a form line or a table row is shown: `Region: North | Revenue: $4,200`."""

from __future__ import annotations

FIELD_SEPARATOR = " | "
SCALE_MARK = "Row (in "
"""What begins the scale of a table's numbers, in place of the name of its first column: `Row (in thousands): Sales`."""


def read_fields(context: str) -> list[tuple[str, str]]:
    """The fields of a context as pairs of name and value; a part without a name has the name ``""``.

    An empty list for a sentence.
    """
    parts = [part.partition(": ") for part in context.split(FIELD_SEPARATOR)]
    pairs = [(name.strip(), value.strip()) if mark else ("", name.strip()) for name, mark, value in parts]
    if len(pairs) == 1:
        name = pairs[0][0]
        sentence = context.endswith((".", "!", "?")) and len(context.split()) > 6
        return pairs if name and len(name.split()) <= 6 and not sentence else []
    return pairs if any(name for name, _ in pairs) else []
