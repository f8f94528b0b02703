"""Text that is no prose: code, formulas, contents and references, by how it is set and by its signs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from docmatix.facts.profile.view import View
from docmatix.facts.text_lines import TextLine

MIN_ENTRIES = 4  # of contents or references
_CODE_END = re.compile(r".*(?:=|\w\(|[{}<]).*\S;|.*[{}\\]|\W*\}|.*\):|<.*/>")
# `Tag#:` and `_d__`, blanks to fill in, are of typewritten lists
_CODE_SIGN = re.compile(
    r"[{}<>=;\\|&]|(?<!\w)#|(?<=[^\W_])_(?=[^\W_])|\(\)|->|::|//|/\*|\[\d*\]|\w\(\w|^[a-z][\w.-]*: \S"
)
_MATHS = re.compile("[∑∏∫√∂∇∞≤≥≠≈≡∝∈∉⊂⊆∪∩∀∃±∓×÷·→⇒↦⟨⟩‖⋅∗\U0001d400-\U0001d7ff]|(?<!\\w)[α-ωΓΔΘΛΞΠΣΦΨΩ](?!\\w)")
_RELATION = re.compile(r"[=≤≥≈≡∝<>≠∈]")
_EQUATION_NUMBER = re.compile(r"\(\w{1,3}(?:\.\d{1,3})?\)$")
_LEADERS = re.compile(r"(?:[.·_…]\s?){4,}|…{2,}")
_AMOUNT = re.compile(r"[$€£¥]\s?\d|\d\s?[$€£¥]")
_YEAR = re.compile(r"(?<![\d/.-])(?:1[89]|20)\d\d(?![\d/]|-\d\d-)")
_INITIAL = re.compile(r"(?<![\w.])[^\W\d_a-z]\.(?![^\W\d_A-Z])")
_MARK = re.compile(r"\[(?:\d{1,3}|[A-Z][\w+]{1,9})\]|\(\d{1,3}\)|\d{1,3}\.")


def score_code(view: View) -> float:
    """How likely a page has lines of code: letters of one width and the signs of programs, or lines that end as those
    of programs do."""
    fixed = list(_find_fixed_pitch(view.lines))
    if len(fixed) >= 3:
        signs = sum(len(_CODE_SIGN.findall(line.text)) for line in fixed)
        letters = sum(len(line.text) for line in fixed)
        share = signs / max(1, letters)
        if share > (0.05 if len(fixed) < 6 else 0.025):  # three lines of a legend are soon past it
            return min(0.95, 0.5 + 0.05 * len(fixed))
    ending = sum(_CODE_END.fullmatch(line.text) is not None and len(line.text) < 100 for line in view.lines)
    if ending >= 4 and ending > 0.1 * len(view.lines):
        return min(0.8, 0.3 + 0.05 * ending)
    return 0.0


def _find_fixed_pitch(lines: Sequence[TextLine]) -> Iterator[TextLine]:
    """The lines whose letters are all equally wide, as far as their words tell."""
    pitches: Counter[float] = Counter()
    found: list[tuple[TextLine, list[float]]] = []
    for line in lines:
        measured = [
            (x1 - x0) / len(text) / size
            for text, x0, x1, size in zip(line.texts, line.x0s, line.x1s, line.sizes, strict=True)
            if size and len(text) >= 2
        ]
        if len(line.text) < 6 or not measured:
            continue
        if min(measured) > 0.48 and max(measured) - min(measured) < 0.01 and max(measured) < 0.68:
            found.append((line, measured))
            if len(measured) > 1:
                pitches[round(measured[0], 2)] += len(measured)
    if not pitches:
        return
    usual, count = pitches.most_common(1)[0]
    if count < 6:
        return
    for line, measured in found:
        if abs(measured[0] - usual) < 0.01:
            yield line


def score_formula(view: View) -> float:
    """How likely a page has formulas that stand in lines of their own."""
    points = 0.0
    for line in view.lines:
        text = line.text
        if len(line.words) < 3 or len(text) > 160 or not _RELATION.search(text) or view.is_tabled(line):
            continue
        if _AMOUNT.search(text):
            continue
        words = sum(len(word) > 3 and word.isalpha() for word in line.texts)
        if words > 2:
            continue
        maths = len(_MATHS.findall(text))
        short = sum(len(word) <= 2 for word in line.texts)
        if maths or _EQUATION_NUMBER.search(text):
            points += 1.0 if short >= 2 else 0.5
        elif short > 0.6 * len(line.words):
            points += 0.4
    return min(0.95, 0.35 * points)


def score_contents(view: View) -> float:
    """How likely a page is of a table of contents: rows that end at one edge in numbers of pages, which grow."""
    entries: list[tuple[float, float, int, bool]] = []
    rows: dict[int, list[TextLine]] = {}
    for line in view.lines:
        rows.setdefault(round(line.y1s[0] / 3), []).append(line)
    tabled = {line.start for line in view.lines if view.is_tabled(line)}
    leading = sum(_LEADERS.search(line.text) is not None for line in view.lines)
    for line in view.lines:
        last = line.texts[-1].lstrip(".·_…")
        led = _LEADERS.search(line.text) is not None
        numbers = sum(word.isdecimal() for word in line.texts)
        if not last.isdecimal() or len(last) > 4 or numbers > 2 or (line.start in tabled and not led):
            continue
        left = len(line.words) > 1 and _names(line)
        if not left:
            at = round(line.y1s[0] / 3)
            left = any(
                other is not line
                and _names(other)
                and other.x1s[-1] < line.x0s[0]
                and abs(other.y1s[0] - line.y1s[0]) < 3
                for near in (at - 1, at, at + 1)
                for other in rows.get(near, ())
            )
        if left:
            entries.append((line.y1s[-1], line.x1s[-1], int(last), led or _is_apart(line)))
    best = 0
    for edge in {round(x1 / 4) for _, x1, _, _ in entries}:
        column = sorted(entry for entry in entries if abs(entry[1] - 4 * edge) <= 5)
        if 2 * sum(apart for *_, apart in column) < len(column):
            continue  # `Layer 9`, `Layer 18`: titles of figures that are counted
        run = _count_growing([number for _, _, number, _ in column])
        best = max(best, run if run >= 0.6 * len(column) else 0)  # numbers of telephones grow for a while, too
    if best < MIN_ENTRIES:
        return 0.0
    share = best / max(1, len({round(line.y1s[0] / 3) for line in view.lines}))
    led = leading >= 0.5 * best
    return min(0.95, (0.5 if led else 0.25) + 0.04 * best + 0.5 * min(share, 0.6))


def _is_apart(line: TextLine) -> bool:
    """Whether the last word of a line stands alone, or after more than a space."""
    return len(line.words) < 2 or line.x0s[-1] - line.x1s[-2] > 0.6 * (line.sizes[-1] or 8.0)


def _names(line: TextLine) -> bool:
    """Whether a line has words, as the ticks of an axis have not."""
    return sum(map(str.isalpha, line.text)) >= 3


def _count_growing(numbers: Sequence[int]) -> int:
    """The longest run of numbers that never fall, and grow as page numbers do."""
    best = start = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] < numbers[at - 1]:
            run = numbers[start:at]
            changes = sum(one != other for one, other in pairwise(run))
            if changes >= 0.4 * (len(run) - 1) and changes >= 2:
                best = max(best, len(run))
            start = at
    return best


def score_references(view: View) -> float:
    """How likely a page lists literature: entries with a year, with initials, after marks that count."""
    lines = [line for line in view.lines if not view.is_tabled(line)]
    text = "\n".join(line.text for line in lines)
    words = max(1, sum(len(line.words) for line in lines))
    years, initials = len(_YEAR.findall(text)), len(_INITIAL.findall(text))
    if years < MIN_ENTRIES:
        return 0.0
    marks = sum(_MARK.fullmatch(line.texts[0]) is not None for line in lines)
    points = min(1.0, years / words / 0.04) * 0.5 + min(1.0, initials / words / 0.06) * 0.4
    points += 0.15 * min(1.0, marks / years)
    return min(0.95, points if initials >= MIN_ENTRIES else 0.4 * points)
