"""The caption of a table, its notes, and the line that says what its numbers are in: in it, or right above or below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from docmatix.core.documents import Box, Page, Word, enclose
from docmatix.facts.tables.meaning.kinds import find_unit
from docmatix.facts.tables.raw import RawTable
from docmatix.text.hyphens import PageWords, join_lines

REACH_PT = 30.0
"""How far from a table its caption may stand: two lines of text."""
RUNNING_HEAD = 0.075
"""The share of a page at its top where what stands there may be the same on every page."""
MAX_LINES = 5

_CAPTION = re.compile(
    r"(?:table|tabelle|tableau|tabla|cuadro|tabella|tabela|quadro|tabel|tab|übersicht|"
    r"schedule|exhibit|annex|anhang)\.? ?"
    r"(?:no\.? ?|nr\.? ?|n[º°]\.? ?)?[A-Z]{0,2}[-.]?(?:\d+|[IVX]+)\b",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"(?:[*†‡§]|[¹²³⁴-⁹ᵃ-ᶻ]|\(?[a-z\d]{1,2}\) |\[\w{1,2}\] |sources?\b|quellen?\b|fuentes?\b|fontes?\b|fonte\b|fonti\b|"
    r"bron(?:nen)?\b|źródł[oa]\b|notes?\b|nb\b|n\.b\.|remarks?\b|anm(?:erkung(?:en)?)?\b\.?|hinweis|notas?\b|nota:|"
    r"not[ae]:|remarques?\b|opmerking|toelichting|uwag[ai]\b|legend|légende|legende)",
    re.IGNORECASE,
)


class Surroundings(NamedTuple):
    """What is said about a table beside it."""

    caption: str = ""
    notes: tuple[str, ...] = ()
    unit: str = ""


class _Line(NamedTuple):
    words: list[Word]
    text: str
    box: Box
    size: float


def read_surroundings(page: Page, raw: RawTable, known: PageWords, taken: Iterable[int] = ()) -> Surroundings:
    """The caption and the notes that geometry gives, or else lines next to the table that begin as such. `taken`:
    words that are neither."""
    held = {place for cell in raw.cells for place in cell.words} | set(taken)
    caption_places = [place for place in raw.caption_words if place not in held]
    note_places = [place for place in raw.note_words if place not in held]
    said = held.union(caption_places, note_places)
    others = [word for place, word in enumerate(page.words) if place not in said]
    body = _find_size([page.words[place] for place in held])
    above, below = _list_beside(page, raw.box, others)
    named = _list_lines([page.words[place] for place in caption_places])
    units = [says for line in named if (says := find_unit(line.text))]
    caption = join_lines([line.text for line in named if not find_unit(line.text)], known)
    notes = split_notes(_list_lines([page.words[place] for place in note_places]), known)
    unit = units[0] if units else ""
    for line in above[:3] if not unit else ():
        says = find_unit(line.text)
        if says and _distance(page, line.box, raw.box) < REACH_PT:
            unit = says
            break
    above = [line for line in above if not find_unit(line.text)]
    if caption and not is_caption(caption) and above and is_caption(above[0].text):
        first = min(page.words[place].box.y0 for place in caption_places)
        if -0.01 < first - above[0].box.y1 < 0.01:
            caption = join_lines([above[0].text, caption], known)
    if not caption:
        caption = _find_caption(page, raw.box, above, known) or _find_caption(page, raw.box, below, known)
    if not caption:
        caption = _find_title(page, raw.box, above)
    if not notes:
        notes = _find_notes(page, raw.box, below, known, body)
        notes = tuple(note for note in notes if note != caption)
    return Surroundings(caption, notes, unit)


def is_caption(text: str) -> bool:
    """Whether a text begins as captions do: `Table 3`."""
    return _CAPTION.match(text) is not None


def _list_beside(page: Page, box: Box, words: Sequence[Word]) -> tuple[list[_Line], list[_Line]]:
    """The lines within reach above a table, and below it, nearest first."""
    reach = (REACH_PT + 14 * MAX_LINES) / page.height_pt
    left, top, right, bottom = box.x0 - 0.01, box.y0 - reach, box.x1 + 0.01, box.y1 + reach
    over = [
        (word, y0, y1)
        for word in words
        for x0, y0, x1, y1 in (word.box,)
        if y0 > top and y1 < bottom and x1 > left and x0 < right
    ]
    above = _list_lines([word for word, _, y1 in over if y1 <= box.y0 + 0.004])
    below = _list_lines([word for word, y0, _ in over if y0 >= box.y1 - 0.004])
    above.sort(key=lambda line: -line.box.y1)
    below.sort(key=lambda line: line.box.y0)
    return above, below


def _list_lines(words: Sequence[Word]) -> list[_Line]:
    lines = []
    for _, group in groupby(words, key=lambda word: word.line):
        held = list(group)
        text = " ".join(word.text for word in held)
        lines.append(_Line(held, text, enclose(word.box for word in held), _find_size(held)))
    return lines


def _find_size(words: Sequence[Word]) -> float:
    sizes = sorted(word.size for word in words)
    return sizes[len(sizes) // 2] if sizes else 0.0


def _distance(page: Page, one: Box, other: Box) -> float:
    return max(one.y0 - other.y1, other.y0 - one.y1) * page.height_pt


def _find_caption(page: Page, box: Box, lines: Sequence[_Line], known: PageWords) -> str:
    """The text that begins as a caption does (`Table 3.`) next to a table, with the lines of it that follow."""
    for at, line in enumerate(lines[:MAX_LINES]):
        if not _CAPTION.match(line.text):
            continue
        is_above = line.box.y1 <= box.y0 + 0.005
        rest = list(reversed(lines[:at])) if is_above else list(lines[at + 1 :])
        height = line.box.y1 - line.box.y0
        taken = [line]
        for other in rest:
            close = -0.5 * height < other.box.y0 - taken[-1].box.y1 < 0.7 * height
            same = abs(other.size - line.size) <= 0.6 and other.words[0].block == taken[-1].words[0].block
            if not close or not (same or is_above):
                break
            taken.append(other)
        nearest = taken[-1] if is_above else taken[0]
        if _distance(page, nearest.box, box) < REACH_PT and len(taken) <= MAX_LINES:
            return join_lines([one.text for one in taken], known)
    return ""


def _find_title(page: Page, box: Box, lines: Sequence[_Line]) -> str:
    """A line alone right above a table that is bold, or centred over it: what it is called where captions have no
    number."""
    if not lines or _distance(page, lines[0].box, box) > 0.7 * REACH_PT or lines[0].box.y0 < RUNNING_HEAD:
        return ""
    line = lines[0]
    height = line.box.y1 - line.box.y0
    alone = len(lines) < 2 or lines[0].box.y0 - lines[1].box.y1 > 0.6 * height
    offset = abs(line.box.x0 + line.box.x1 - box.x0 - box.x1) / 2
    narrow = line.box.x1 - line.box.x0 < 0.95 * (box.x1 - box.x0)
    bold = all(word.bold for word in line.words)
    fits = bold or (narrow and offset < 0.01 and line.box.x0 - box.x0 > 0.02)
    is_text = (
        len(line.words) <= 16 and any(map(str.isalpha, line.text)) and not line.text.endswith((".", ":", ";", ","))
    )
    return line.text if alone and fits and is_text else ""


def _find_notes(page: Page, box: Box, lines: Sequence[_Line], known: PageWords, body: float) -> tuple[str, ...]:
    """The lines right below a table that begin as notes do, and those that go on with them."""
    taken: list[_Line] = []
    for line in lines:
        edge = taken[-1].box if taken else box
        if _distance(page, line.box, edge) > (REACH_PT / 2 if not taken else 0.8 * (line.size or 9)):
            break
        begins = _NOTE.match(line.text) is not None
        if not begins and (not taken or abs(line.size - taken[-1].size) > 0.6):
            break
        if not taken and body and line.size > body + 0.6:
            break
        taken.append(line)
    return split_notes(taken, known)


def split_notes(lines: Sequence[_Line], known: PageWords) -> tuple[str, ...]:
    """Notes one by one: each begins with a mark, or a word such as `Source`."""
    notes: list[list[str]] = []
    for line in lines:
        if not notes or _NOTE.match(line.text):
            notes.append([])
        notes[-1].append(line.text)
    return tuple(join_lines(note, known) for note in notes)


_IN_TEXT = re.compile(
    r"[(\[]([^()\[\]]{1,40})[)\]]|[,:;–—-] ((?:in|en|em|w) [^,;:()]{1,36})$|\b((?:in|en|em|w) \S+(?: \S+){0,3})$"
)


def find_unit_within(text: str) -> str:
    """The unit that a caption or a header gives in brackets, or behind a comma at its end: `Sales (EUR million)`."""
    for found in _IN_TEXT.finditer(text):
        unit = find_unit(next(filter(None, found.groups())))
        if unit:
            return unit
    return ""
