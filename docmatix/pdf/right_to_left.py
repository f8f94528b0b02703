"""Lines with words written from right to left, read by where their glyphs stand: some programs paint them in the order
of reading, some as they are seen, and MuPDF turns both around in parts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from docmatix.pdf.glyphs import Glyph, RawWord, join_text, make_word

RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
MIN_GAP = 0.2  # between words, of the size of their letters; letters that do not join leave 0.1
_SEPARATORS = frozenset(".,:/-–٫٬؍⁄'’")
_BESIDE_NUMBERS = frozenset("%$€£¥₪#°+-−")
_MIRRORED = dict(zip("()[]{}<>«»", ")(][}{><»«", strict=True))
_CLOSING, _OPENING = frozenset(")]}>»"), frozenset("([{<«")


class _Unit:
    """One glyph with all its letters and the marks over and under it."""

    def __init__(self, glyph: Glyph) -> None:
        self.glyph = glyph
        self.glyphs = [glyph]
        self.text = glyph.text
        self.kind = _find_kind(glyph.text)

    @property
    def middle(self) -> float:
        return self.glyph.start + self.glyph.end


def _find_kind(text: str) -> str:
    """`R`: a letter written to the left, `L`: one to the right, `A`: an Arabic digit, `E`: another digit, `N`: none."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in {"R", "AL"}:
            return "R"
        if kind == "AN" and character.isdigit():
            return "A"
        if kind == "EN":
            return "E"
        if kind == "L":
            return "L"
    return "N"


def read_right_to_left(glyphs: Sequence[Glyph]) -> list[RawWord]:
    """The words of a line in the order of reading."""
    words = list(_split_units(_gather_units(glyphs)))
    if not words:
        return []
    letters = [unit.kind for word in words for unit in word]
    main = "L" if letters.count("R") < letters.count("L") else "R"
    if main == "L":
        words.reverse()
    read: list[RawWord] = []
    for word in _turn_runs(words, main=main):
        text = _write(word)
        if main == "R" and not read and len(words) > 1 and re.fullmatch("-[\\d.-]+", text):
            text = text[1:] + "-"  # the number of a paragraph, "3-"
        read.append(make_word(text, [glyph for unit in word for glyph in unit.glyphs]))
    return read


def _gather_units(glyphs: Sequence[Glyph]) -> list[_Unit]:
    """Glyphs with the letters that MuPDF lists beside them without a width: the others of a ligature stand at the end
    of its glyph, accents over theirs."""
    units: dict[int, _Unit] = {}
    bare: list[int] = []
    for at, glyph in enumerate(glyphs):
        has_width = glyph.end - glyph.start > 0.02 * glyph.size
        if not glyph.text or glyph.added or (glyph.text.isspace() and not has_width):
            continue
        if has_width and not unicodedata.combining(glyph.text[0]):
            units[at] = _Unit(glyph)
        else:
            bare.append(at)
    places = sorted(units)
    for at in sorted(bare, key=lambda at: min((abs(at - place), place) for place in places) if places else (0, 0)):
        glyph = glyphs[at]
        near = [place for place in range(at - 4, at + 5) if place in units and not units[place].text.isspace()]
        letters = [place for place in near if units[place].kind in "RL"]
        if not near:
            units[at] = _Unit(glyph)
            continue
        if unicodedata.combining(glyph.text[0]):
            # between two letters, it is the first one's
            place = min(letters or near, key=lambda place: (_miss(glyph, glyphs[place]), place > at, abs(at - place)))
        else:
            place = min(near, key=lambda place: (round(abs(glyphs[place].end - glyph.start), 1), abs(at - place)))
        units[place].text += glyph.text
        units[place].glyphs.append(glyph)
    return list(units.values())


def _miss(mark: Glyph, base: Glyph) -> float:
    """How far the middle of an accent is from the place of a letter."""
    middle = (mark.start + mark.end) / 2
    return round(max(base.start - middle, middle - base.end, 0.0), 1)


def _split_units(units: list[_Unit]) -> Iterator[list[_Unit]]:
    """Words from the right to the left, each with its glyphs from the right to the left."""
    units.sort(key=lambda unit: -unit.middle)
    word: list[_Unit] = []
    for unit in units:
        blank = unit.text.isspace()
        if word and (blank or word[-1].glyph.start - unit.glyph.end > MIN_GAP * unit.glyph.size):
            yield word
            word = []
        if not blank:
            word.append(unit)
    if word:
        yield word


def _write(word: Sequence[_Unit]) -> str:
    """The text of a word: numbers and other letters run to the right in it, brackets open towards its text."""
    text = "".join(unit.text for unit in _turn_numbers(word))
    if any(unit.kind in "LE" for unit in word) and not any(unit.kind in "RA" for unit in word):
        return "".join(unit.text for unit in reversed(word))
    if text[0] in _CLOSING:
        text = _MIRRORED[text[0]] + text[1:]
    if len(text) > 1 and text[-1] in _OPENING:
        text = text[:-1] + _MIRRORED[text[-1]]
    return text


def _turn_numbers(word: Sequence[_Unit]) -> Iterator[_Unit]:
    at = 0
    while at < len(word):
        end = at
        while end < len(word) and _belongs_to_run(word, at, end):
            end += 1
        while end > at + 1 and word[end - 1].kind == "N" and not _is_beside_number(word, end - 1, end - 2):
            end -= 1
        if end > at:
            yield from reversed(word[at:end])
            at = end
        else:
            yield word[at]
            at += 1


def _belongs_to_run(word: Sequence[_Unit], start: int, at: int) -> bool:
    unit = word[at]
    if unit.kind in "LAE":
        return True
    if unit.kind == "R":
        return False
    following = at + 1 < len(word) and word[at + 1].kind in "LAE"
    if at > start and following and (unit.text in _SEPARATORS or word[at - 1].kind == "L" == word[at + 1].kind):
        return True
    if at > start:
        return _is_beside_number(word, at, at - 1)
    return following and unit.text != "-" and _is_beside_number(word, at, at + 1)


def _is_beside_number(word: Sequence[_Unit], at: int, other: int) -> bool:
    """A percent sign stands as its number is written; an Arabic one is read after it."""
    return word[at].text in _BESIDE_NUMBERS and word[other].kind == "E"


def _turn_runs(words: list[list[_Unit]], *, main: str) -> list[list[_Unit]]:
    """Words in order, where several of the other direction in a row run that way, as do the groups of a number."""
    kinds = [_find_word_kind(word) for word in words]
    other = "L" if main == "R" else "R"
    ordered: list[list[_Unit]] = []
    at = 0
    while at < len(words):
        last = at
        if kinds[at] == other:
            for here in range(at, len(words)):
                if kinds[here] == main:
                    break
                if kinds[here] == other:
                    last = here
        elif main == "R" and kinds[at] == "D":
            while last + 1 < len(words) and _are_groups(words[last + 1], words[last]):
                last += 1
        ordered += reversed(words[at : last + 1])
        at = last + 1
    return ordered


def _find_word_kind(word: Sequence[_Unit]) -> str:
    kinds = {unit.kind for unit in word}
    if "R" in kinds:
        return "R"
    if "L" in kinds:
        return "L"
    return "D" if kinds & {"A", "E"} else "N"


def _are_groups(left: Sequence[_Unit], right: Sequence[_Unit]) -> bool:
    """Whether the digits of two neighbours are groups of one number, such as 12 500."""
    first, second = ("".join(unit.text for unit in reversed(word)) for word in (left, right))
    gap = right[-1].glyph.start - left[0].glyph.end
    return (
        1 <= len(first) <= 3
        and first.isdigit()
        and len(second.split(".")[0].split(",")[0]) == 3
        and second[:3].isdigit()
        and gap <= 0.4 * left[0].glyph.size
    )


def has_right_to_left(glyphs: Sequence[Glyph]) -> bool:
    return RIGHT_TO_LEFT.search(join_text(glyphs)) is not None


def continues_leftward(before: Sequence[Glyph], after: Sequence[Glyph]) -> bool:
    """Whether `after`, to MuPDF a line of its own, goes on to the left of `before`: the parts of a word or of a date
    that are painted one by one, from the right."""
    size = max(before[-1].size, after[0].size)
    gap = min(glyph.start for glyph in before) - max(glyph.end for glyph in after)
    return abs(before[-1].rise - after[0].rise) < 0.1 * size and -0.3 * size <= gap <= 0.5 * size
