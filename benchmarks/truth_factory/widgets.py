"""Form fields of a PDF: text fields, check boxes, and radio buttons that are one field with a button each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

_CIRCLE = "{r:.2f} 0 m {r:.2f} {k:.2f} {k:.2f} {r:.2f} 0 {r:.2f} c -{k:.2f} {r:.2f} -{r:.2f} {k:.2f} -{r:.2f} 0 c " + (
    "-{r:.2f} -{k:.2f} -{k:.2f} -{r:.2f} 0 -{r:.2f} c {k:.2f} -{r:.2f} {r:.2f} -{k:.2f} {r:.2f} 0 c"
)


WRITTEN = ("text", "choice")
"""Kinds with a value that is written."""


class Widget(NamedTuple):
    """A form field (text, choice, checkbox, radio), in points from the top left; radio buttons of one name are one."""

    area: tuple[float, float, float, float]
    kind: str
    name: str
    value: str = ""
    checked: bool = False
    font: str = ""
    encoded: str = ""
    """The value in the codes of its font, which the page has under that name."""

    @property
    def text_size(self) -> float:
        return min(10.0, (self.area[3] - self.area[1]) * 0.65)


def add_widgets(document: Any, number: int, widgets: Sequence[Widget], fonts: str, high: float) -> None:
    """Adds them to a page of a document being made; `fonts` are its resources, one of which a text field names.
    The page is `high` points high."""
    page = document[number]
    _add_fields(document, page, [made for made in widgets if made.kind in WRITTEN], fonts, high)
    buttons = [made for made in widgets if made.kind not in WRITTEN]
    if buttons:
        _add_buttons(document, page, buttons, high)


def _add_buttons(document: Any, page: Any, buttons: Sequence[Widget], high: float) -> None:
    annotations, fields = [], []
    groups: dict[str, int] = {}
    kids: dict[str, list[int]] = {}
    for button in buttons:
        x0, y0, x1, y1 = button.area
        state = f"/Choice{len(kids.get(button.name, []))}"
        on, off = (_add_appearance(document, x1 - x0, button.kind, checked=checked) for checked in (True, False))
        shown = state if button.checked else "/Off"
        entries = (
            f"/Type/Annot/Subtype/Widget/F 4/P {page.xref} 0 R/Rect[{x0:.2f} {high - y1:.2f} {x1:.2f} {high - y0:.2f}]"
            f"/AS{shown}/AP<</N<<{state} {on} 0 R/Off {off} 0 R>>>>/MK<</CA({'l' if button.kind == 'radio' else '8'})>>"
        )
        if button.kind == "radio":
            if button.name not in groups:
                groups[button.name] = document.get_new_xref()
                fields.append(groups[button.name])
            entries += f"/Parent {groups[button.name]} 0 R"
        else:
            entries += f"/FT/Btn/T({button.name})/V{shown}"
        xref = _add_object(document, f"<<{entries}>>")
        annotations.append(xref)
        kids.setdefault(button.name, []).append(xref)
        if button.kind != "radio":
            fields.append(xref)
    for name, group in groups.items():
        members = [button for button in buttons if button.name == name]
        value = next((f"/Choice{n}" for n, button in enumerate(members) if button.checked), "/Off")
        listed = " ".join(f"{xref} 0 R" for xref in kids[name])
        # bits 15 and 16: a button always stays on, and the field is of radio buttons
        document.update_object(group, f"<</FT/Btn/Ff 49152/T({name})/V{value}/Kids[{listed}]>>")
    _register(document, page, annotations, fields)


def _add_fields(document: Any, page: Any, texts: Sequence[Widget], fonts: str, high: float) -> None:
    """Text fields with what is written in them: each is its own annotation."""
    added = []
    for made in texts:
        x0, y0, x1, y1 = made.area
        wide, deep = x1 - x0, y1 - y0
        size = made.text_size
        drawn = f"q 0.5 w 0.3 G 0.25 0.25 {wide - 0.5:.2f} {deep - 0.5:.2f} re S Q /Tx BMC q "
        if made.value:
            drawn += f"BT 0 g /{made.font} {size:.2f} Tf 2 {(deep - size * 0.7) / 2:.2f} Td {made.encoded} Tj ET "
        appearance = _add_object(
            document, f"<</Type/XObject/Subtype/Form/BBox[0 0 {wide:.2f} {deep:.2f}]/Resources{fonts}>>"
        )
        document.update_stream(appearance, f"{drawn}Q EMC".encode("ascii"))
        value = ("\ufeff" + made.value).encode("utf-16-be").hex()
        field = "/FT/Tx"
        if made.kind == "choice":  # bit 18: a list that drops down
            field = f"/FT/Ch/Ff 131072/Opt[<{value}>(A)(B)]"
        added.append(
            _add_object(
                document,
                f"<</Type/Annot/Subtype/Widget/F 4/P {page.xref} 0 R{field}/T({made.name})/V<{value}>"
                f"/DA(/{made.font} {size:.2f} Tf 0 g)/Rect[{x0:.2f} {high - y1:.2f} {x1:.2f} {high - y0:.2f}]"
                f"/AP<</N {appearance} 0 R>>>>",
            )
        )
    if added:
        _register(document, page, added, added)


def _register(document: Any, page: Any, annotations: Sequence[int], fields: Sequence[int]) -> None:
    _append(document, page.xref, "Annots", annotations)
    catalog = document.pdf_catalog()
    kind, form = document.xref_get_key(catalog, "AcroForm")
    if kind == "null":
        document.xref_set_key(catalog, "AcroForm", f"{_add_object(document, '<</Fields[]>>')} 0 R")
        kind, form = document.xref_get_key(catalog, "AcroForm")
    if kind == "xref":
        _append(document, int(form.split()[0]), "Fields", fields)
    else:
        _append(document, catalog, "AcroForm/Fields", fields)


def _append(document: Any, xref: int, key: str, added: Sequence[int]) -> None:
    kind, before = document.xref_get_key(xref, key)
    if kind == "xref":
        return _append_to_array(document, int(before.split()[0]), added)
    inside = before.strip()[1:-1] if kind == "array" else ""
    document.xref_set_key(xref, key, f"[{inside} {' '.join(f'{one} 0 R' for one in added)}]")
    return None


def _append_to_array(document: Any, xref: int, added: Sequence[int]) -> None:
    inside = document.xref_object(xref, compressed=True).strip()[1:-1]
    document.update_object(xref, f"[{inside} {' '.join(f'{one} 0 R' for one in added)}]")


def _add_object(document: Any, text: str) -> int:
    xref: int = document.get_new_xref()
    document.update_object(xref, text)
    return xref


def _add_appearance(document: Any, side: float, kind: str, *, checked: bool) -> int:
    middle = side / 2
    if kind == "radio":
        ring = _CIRCLE.format(r=middle - 0.5, k=(middle - 0.5) * 0.5523)
        dot = _CIRCLE.format(r=middle * 0.5, k=middle * 0.5 * 0.5523)
        drawn = f"1 0 0 1 {middle:.2f} {middle:.2f} cm 0.6 w {ring} s" + (f" {dot} f" if checked else "")
    else:
        drawn = f"0.6 w 0.3 0.3 {side - 0.6:.2f} {side - 0.6:.2f} re S"
        if checked:
            near, far = side * 0.2, side * 0.8
            drawn += (
                f" 1 w {near:.2f} {near:.2f} m {far:.2f} {far:.2f} l {near:.2f} {far:.2f} m {far:.2f} {near:.2f} l S"
            )
    xref = _add_object(document, f"<</Type/XObject/Subtype/Form/BBox[0 0 {side:.2f} {side:.2f}]/Resources<<>>>>")
    document.update_stream(xref, drawn.encode("ascii"))
    return xref
