"""Captions of figures and tables, and the letters of a figure's parts with what they name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmatix.core.documents import Fact
from docmatix.facts.layout.lines import Line, box_words, on_one_row
from docmatix.facts.layout.paragraphs import Body, Paragraph, ends_sentence, get_lead, join_text

_NAMES = (
    "figures?|fig|figs|tables?|tab|charts?|exhibit|plate|scheme|diagram|box|map|photo|image|graph|listing|algorithm|"
    "abbildung|abb|tabelle|grafik|diagramm|bild|karte|foto|schaubild|übersicht|"
    "tableau|tabl|graphique|graph|illustration|carte|encadré|schéma|image|"
    "figura|fig|tabla|cuadro|gráfico|gráfica|ilustración|mapa|imagen|recuadro|"
    "tabella|grafico|illustrazione|immagine|riquadro|"
    "tabela|quadro|ilustração|imagem|"
    "figuur|tabel|afbeelding|afb|grafiek|kaart|"
    "rysunek|rys|tabela|tab|wykres|ryc|rycina|schemat|zdjęcie|fot|ilustracja"
)
START = re.compile(
    rf"(?P<label>(?:{_NAMES})\.?\s*(?:nr\.?|no\.?|n[.º°]\s?|n\.º)?\s*"
    r"(?P<number>(?:[A-Z]{1,2}[.\-–]?)?\d{1,3}(?:[.\-–]\d{1,3})*[a-zA-Z]?|[IVX]{1,5}|[A-Z](?=[.:])))"
    r"(?P<end>\s*[.:|–—\-)]|(?=\s)|$)\s*",
    re.IGNORECASE,
)
_PART = re.compile(r"(?P<label>\([a-z]\)|[a-z]\))\s+\S")


def find_captions(paragraphs: Sequence[Paragraph], body: Body) -> list[Fact]:
    """The captions among the paragraphs of a page, which are thereby taken."""
    facts: list[Fact] = []
    columns = [
        (one.x0, one.x1)
        for one in paragraphs
        if len(one.lines) > 2 and one.count_words() > 18 and not START.match(one.text)
    ]
    for at, paragraph in enumerate(paragraphs):
        if paragraph.role:
            continue
        match = START.match(paragraph.text)
        if match is None:
            continue
        confidence = _judge(paragraph, match, body)
        if not confidence:
            continue
        lines = _cut(paragraph, columns)
        taken = [paragraph]
        for following in paragraphs[at + 1 : at + 6] if len(lines) == len(paragraph.lines) else ():
            if not _goes_on(taken[-1], following, titled=len(taken) == 1 and match.end() >= len(paragraph.text)):
                break
            lines += following.lines
            taken.append(following)
        text = paragraph.text if lines == paragraph.lines else join_text(lines)
        value = text[match.end() :].lstrip(" .:|–—-").strip()
        if not any(map(str.isalnum, value)) or re.fullmatch(r"\([^()]*\)", value):
            continue
        label, label_words = _measure_label(lines[0], match["label"])
        for one in taken:
            one.role = "caption"
        boxes = tuple(
            box_words(words) for line in lines if (words := line.words[label_words if line is lines[0] else 0 :])
        )
        label_box = box_words(lines[0].words[:label_words])
        facts.append(Fact("caption", label, value, (), boxes or (lines[0].box,), (label_box,), confidence))
    return [*facts, *_find_parts(paragraphs, body)]


def _cut(paragraph: Paragraph, columns: Sequence[tuple[float, float]]) -> list[Line]:
    """The lines of a caption without those that begin anew though their first word had room above, as a unit does."""
    lines = paragraph.lines
    for at in range(1, len(lines)):
        one, other = lines[at - 1], lines[at]
        if abs(one.x0 - other.x0) > 2:
            continue
        right = min((x1 for x0, x1 in columns if abs(x0 - one.x0) < 3), default=0.0)
        word = other.words[0]
        room = one.x1 + (other.x1 - other.x0) * len(word.text) / max(1, len(other.text)) + one.size
        if room < one.x0 + 0.7 * (right - one.x0):
            return lines[:at]
    return list(lines)


def _measure_label(line: Line, label: str) -> tuple[str, int]:
    """The label, and how many words of its line it takes."""
    words = label.count(" ") + 1
    at = min(words, len(line.words))
    while at < len(line.words) and not any(map(str.isalnum, line.words[at].text)):
        at += 1
    return label.rstrip(".: "), at


def _judge(paragraph: Paragraph, match: re.Match[str], body: Body) -> float:
    """How sure it is that a paragraph that begins like a caption is one; 0: it is none."""
    rest = paragraph.text[match.end() :]
    if re.search(r"(?:\. ?){4}|…{2}|\.{4}|\s\d{1,4}$", rest) and re.search(r"(?:\. ?){4}|…{2}|\.{4}", rest):
        return 0.0  # of a list of figures
    if not match["label"][0].isupper():
        return 0.0
    words = paragraph.first.words
    count = match["label"].count(" ") + 1
    styled = len(words) > count and words[0].bold and not words[count].bold
    smaller = paragraph.size < 0.95 * body.size
    separated = match["end"].strip() not in ("", "-", ")") or match["end"].strip() in ("-",)
    if not rest:
        return 0.7  # its title may stand on the next line
    lower = rest[:1].islower()
    if separated:
        return 0.6 if lower and not styled else 0.95
    if lower and not styled:
        return 0.0
    if styled or paragraph.bold or smaller:
        return 0.85
    # "Table 3 Sales by region" stands apart and is no sentence; "Table 3 Shows" does not occur
    short = len(paragraph.lines) <= 3 and not ends_sentence(rest)
    return 0.75 if short and min(paragraph.above, paragraph.below) > 0.35 else 0.0


def _goes_on(paragraph: Paragraph, following: Paragraph, *, titled: bool) -> bool:
    """Whether a caption's text goes on in the next paragraph: its title below "TABLE I", or the rest of a sentence."""
    if following.role or START.match(following.text):
        return False
    near = get_lead(paragraph.last, following.first) < 0.8 and following.first.y1 > paragraph.last.y1
    close = (0.85 if titled else 0.97) < following.size / paragraph.size < (1.18 if titled else 1.03)
    if not near or not close:
        return False
    centred = abs(following.x0 + following.x1 - paragraph.x0 - paragraph.x1) < 2 * paragraph.size
    aligned = abs(following.x0 - paragraph.x0) < 0.6 * paragraph.size
    flush = abs(following.x1 - paragraph.x1) < 0.3 * paragraph.size and following.x0 > 2 * paragraph.size
    if titled:
        return (centred or aligned or flush) and following.count_words() < 40
    return (
        not ends_sentence(paragraph.text)
        and (centred or aligned or flush)
        and len(following.lines) <= 3
        and following.bold == paragraph.bold
        and following.text[:1].islower()
        and (len(paragraph.last.text) > 40 or (flush and not aligned))
    )


def _find_parts(paragraphs: Sequence[Paragraph], body: Body) -> list[Fact]:
    """ "(a) Before" and "(b) After" beside each other: parts of one figure."""
    parts = [
        (paragraph, match)
        for paragraph in paragraphs
        if not paragraph.role
        and paragraph.count_words() <= 15
        and len(paragraph.lines) <= 3
        and (match := _PART.match(paragraph.text))
        and paragraph.size <= 1.02 * body.size
        and paragraph.below > 0.4
    ]
    facts: list[Fact] = []
    if not any("a" in match["label"] for _, match in parts):
        return []  # paragraphs of a law, not the first parts of a figure
    for paragraph, match in parts:
        beside = [
            other
            for other, other_match in parts
            if other is not paragraph
            and on_one_row(paragraph.first, other.first)
            and 0 < abs(_get_letter(other_match) - _get_letter(match)) <= 2
        ]
        if beside:
            lines = paragraph.lines
            boxes = (box_words(lines[0].words[1:]), *(line.box for line in lines[1:]))
            value = paragraph.text[match.end() - 1 :]
            facts.append(Fact("caption", match["label"], value, (), boxes, (lines[0].words[0].box,), 0.75))
    for fact in facts:
        for paragraph, _ in parts:
            if paragraph.first.words[0].box == fact.label_boxes[0]:
                paragraph.role = "caption"
    return facts


def _get_letter(match: re.Match[str]) -> int:
    """The place in the alphabet of a part's letter."""
    return ord(match["label"].strip("()"))
