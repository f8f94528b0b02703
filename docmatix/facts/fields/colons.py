"""Fields whose label ends with a colon: the value beside it, in the next column, or under it."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from statistics import median

from docmatix.facts.fields.candidates import Area, Candidate
from docmatix.facts.fields.chunks import BLANK, DOTS, PROSE_WIDTH, Chunk, Layout, Token
from docmatix.facts.fields.labels import (
    ends_with_colon,
    is_label,
    is_numbered,
    is_value,
    join,
    join_lines,
    reads_on,
    strip_label,
)
from docmatix.facts.fields.ticks import MAX_SIDE
from docmatix.facts.fields.values import MAX_LINES, complete_value, gather_below, is_prefix

MAX_GAP = 26.0  # em between a label and its value
MAX_COLUMN_GAP = 6.0  # em between the columns of a small table
MAX_SIBLING_EM = 6.0  # between labels under each other
MAX_SPACE = 2.0  # em between the words of a justified line
MAX_VALUE_WORDS = 14
SENTENCE_WORDS = 7  # with a full stop behind them, they are no name
MIN_ALONE = 2  # letters of a label
SAID_WORDS = 4  # of a value that may be a sentence
_SAID = re.compile(r"^\D* \D*[.!?…]$")
_SEPARATOR = re.compile(r"[-–—|/;,•·]")  # between a value and the next label


def find_colon_fields(layout: Layout, blocked: Collection[Chunk]) -> Iterator[Candidate]:
    """The fields of labels with colons, and the labels that have nothing."""
    yield from _drop_dialogue(list(_find_all(layout, blocked)))


def _find_all(layout: Layout, blocked: Collection[Chunk]) -> Iterator[Candidate]:
    chunks = [chunk for chunk in layout.chunks if ":" in chunk.text or "：" in chunk.text]
    cut = [(chunk, parts) for chunk in chunks if (parts := _split_labels(chunk))]
    usual = median([chunk.size for chunk in layout.chunks])
    stacked = _count_siblings([chunk for chunk, _ in cut])
    labelled = {chunk for chunk, _ in cut} | {chunk for chunk in chunks if _holds_label(chunk)}
    for chunk, parts in cut:
        trust = (0.85 if stacked[chunk] else 0.6) - 0.1 * (len(parts) > 1)
        if not stacked[chunk] and _ends_line(layout, chunk):
            continue
        if not stacked[chunk] and (chunk.size > 1.25 * usual or len(parts[0][0]) > 6):
            continue  # a title, or a sentence that leads to what follows
        for number, (label, value) in enumerate(parts):
            if number and len(parts[number - 1][1]) > MAX_VALUE_WORDS:
                break  # a sentence with colons
            whole = _complete_label(layout, chunk, label) if number == 0 else label
            name = strip_label(join_lines(whole))
            if not is_label(name) or (is_numbered(name) and not stacked[chunk]):
                continue
            if chunk in blocked and _has_more(layout, chunk, labelled):
                continue
            if number == len(parts) - 1:
                yield from _find_last(layout, chunk, whole, value, trust, labelled, siblings=stacked[chunk])
            elif value and (found := _judge(chunk, whole, value, trust)):
                yield found


def _ends_line(layout: Layout, chunk: Chunk) -> bool:
    """Whether a chunk is the rest of a justified line, as in a list of references."""
    before = layout.left_of(chunk)
    if before is None or chunk.x0 - before.x1 >= MAX_SPACE * chunk.size:
        return False
    return before.in_prose or before.text[-1] in ".,;)" or before.text[0] == "["


_MARKER = re.compile(r"\(?(?:\d{1,2}|[^\W\d])[.)]|[^\w(\[\"'„“«$€£]")  # of a list item


def _split_labels(chunk: Chunk) -> list[tuple[Sequence[Token], Sequence[Token]]]:
    """The labels of a chunk, each with the words that follow it up to the next one."""
    tokens = chunk.tokens
    ends = [at for at, token in enumerate(tokens) if _is_label_end(token)]
    if not ends or len(ends) > 4:
        return []
    gaps = [other.x0 - one.x1 for one, other in itertools.pairwise(tokens)]
    usual = median(gaps) if gaps else 0.0
    parts: list[tuple[Sequence[Token], Sequence[Token]]] = []
    start = 0
    for number, end in enumerate(ends):
        stop = len(tokens)
        if number + 1 < len(ends):
            found = _find_next_label(tokens, range(end + 1, ends[number + 1] + 1), gaps, usual)
            if found is None:
                return parts
            stop = found
        last = stop
        while stop < len(tokens) and last > end + 2 and _SEPARATOR.fullmatch(tokens[last - 1].text):
            last -= 1
        parts.append((tokens[start : end + 1], tokens[end + 1 : last]))
        start = stop
    return parts


def _is_label_end(token: Token) -> bool:
    return ends_with_colon(token.text) and not token.text[:-1].isdigit()


def _find_next_label(tokens: Sequence[Token], inner: range, gaps: Sequence[float], usual: float) -> int | None:
    """Where, between two colons, the value of the one ends and the label of the other begins."""
    lone = tokens[inner[-1]].text in (":", "：")
    inner = inner[:-1] if lone else inner
    if not inner:
        return None
    widest = max(inner, key=lambda at: gaps[at - 1])
    if gaps[widest - 1] > 1.5 * usual and gaps[widest - 1] > 0.4 * tokens[widest].size:
        return widest
    bold = [at for at in inner if tokens[at].bold and not tokens[at - 1].bold]
    if len(bold) == 1:
        return bold[0]
    return inner[-1] if not tokens[inner[-1]].text[0].islower() else None


def _count_siblings(chunks: Sequence[Chunk]) -> dict[Chunk, int]:
    """How many labels stand right above and below each, at the same edge."""
    counts = dict.fromkeys(chunks, 0)
    ordered = sorted(chunks, key=lambda chunk: (chunk.y0, chunk.x0))
    for at, one in enumerate(ordered):
        for other in ordered[at + 1 : at + 13]:
            if other.y0 - one.y0 > MAX_SIBLING_EM * one.size:
                break
            ends = ends_with_colon(one.text) and ends_with_colon(other.text) and abs(one.x1 - other.x1) <= 2
            if other.y0 > one.y0 + 0.5 * one.size and (abs(other.x0 - one.x0) <= 2 or ends):
                counts[one] += 1
                counts[other] += 1
    return counts


def _complete_label(layout: Layout, chunk: Chunk, label: Sequence[Token]) -> Sequence[Token]:
    """A label with its first line, where it begins in small letters under a line that has no value."""
    if not label[0].text[:1].islower() or chunk.row == 0:
        return label
    for above in layout.rows[chunk.row - 1]:
        near = (
            abs(above.x0 - chunk.x0) <= 2
            and chunk.y0 - above.y0 < 1.6 * chunk.size
            and above.bold == chunk.tokens[0].bold
        )
        if near and ":" not in above.text and layout.right_of(above) is None and above.width < PROSE_WIDTH:
            return (*above.tokens, *label)
    return label


def _find_last(
    layout: Layout,
    chunk: Chunk,
    label: Sequence[Token],
    value: Sequence[Token],
    trust: float,
    labelled: Collection[Chunk],
    *,
    siblings: int,
) -> Iterator[Candidate]:
    """The field of a chunk's last label, which may have its value beside the chunk or under it."""
    blank = [token for token in value if BLANK.search(token.text)]
    value = [token for token in value if not BLANK.fullmatch(token.text) and not DOTS.fullmatch(token.text)]
    if value:
        value = complete_value(layout, chunk, value)
        edge = value[0].x0
        hanging = edge > label[0].x0 + chunk.size
        more = gather_below(layout, chunk, edge, labelled, beside=label[0].x0) if hanging else []
        if more and _is_in_table(layout, chunk, labelled):
            return
        value = [*value, *more]
        if found := _judge(chunk, label, value, trust):
            cut = not hanging or value[-1].y0 <= chunk.y1
            cut = cut and _goes_on(layout, chunk, labelled, chunk)
            yield found if not cut else found._replace(confidence=0.4)
        return
    if blank:
        yield Candidate("empty_field", label, (), 0.85, area=_enclose(blank))
        return
    beside = layout.right_of(chunk)
    if beside is not None and DOTS.fullmatch(beside.text):
        beside = layout.right_of(beside)
    if beside is not None and BLANK.fullmatch(beside.text):
        yield Candidate("empty_field", label, (), 0.9, area=_enclose(beside.tokens))
        return
    if beside is not None and beside not in labelled and beside.x0 - chunk.x1 <= MAX_GAP * chunk.size:
        tokens = complete_value(layout, beside, beside.tokens)
        more = gather_below(layout, beside, beside.x0, labelled, beside=chunk.x0)
        if more and _is_in_table(layout, beside, labelled):
            return
        far = beside.x0 - chunk.x1 > 12 * chunk.size and not siblings
        if found := _judge(beside, label, [*tokens, *more], trust + 0.05 - 0.2 * far):
            cut = not more and _goes_on(layout, chunk, labelled, beside)
            yield found if not cut else found._replace(confidence=0.4)
        return
    under = _find_under(layout, chunk, labelled, siblings=siblings)
    if under:
        lines = len({round(token.y0) for token in under})
        digits = any(character.isdigit() for token in under for character in token.text)
        text = join(under)
        if (text[-1] in ".!?" and " " in text and not digits) or (len(text) == 1 and text.islower()):
            return  # what somebody says
        if len(label) <= 5 and not label[0].text[0].islower() and is_value(join(under)) and not reads_on(join(under)):
            yield Candidate("field", label, under, 0.7 if lines == 1 or digits else 0.55)
    elif siblings + _count_in_row(layout, chunk, labelled) >= 2 and _has_place(layout, chunk):
        room = _measure_room(layout, chunk)
        foot = (chunk.x0, chunk.y1 - 1, chunk.x1, chunk.y1 + 1.5 * chunk.size)
        if not _has_widget(layout, room) and not _has_widget(layout, foot):
            yield Candidate("empty_field", label, (), 0.6, area=room)


def _is_in_table(layout: Layout, value: Chunk, labelled: Collection[Chunk]) -> bool:
    """Whether a value of more than one line is the first column of a small table with a lead-in."""
    after = layout.right_of(value)
    return after is not None and after not in labelled and after.x0 - value.x1 <= MAX_COLUMN_GAP * after.size


def _judge(chunk: Chunk, label: Sequence[Token], value: Sequence[Token], trust: float) -> Candidate | None:
    text = join(value)
    if trust < 0.7 and not _can_stand_alone(label, value, text):
        return None
    if text[-1:] in ".!?" and text[:1].islower() and " " in text:
        return None
    if text[-1:] in ".!?" and len(text.split()) >= SENTENCE_WORDS and not any(map(str.isdigit, text)):
        return None
    if not is_value(text) or reads_on(text) or (chunk.in_prose and not (label[0].bold and not value[0].bold)):
        return None
    first = text[0]
    if first in ",;.)*†‡→" or text[-1] in "{;,":
        return None
    if len(text.split()) > MAX_VALUE_WORDS or (first.islower() and len(text.split()) > 5):
        return None
    contrast = label[-1].bold != value[0].bold or label[-1].size != value[0].size
    return Candidate("field", label, value, min(0.95, trust + 0.05 * contrast))


def _can_stand_alone(label: Sequence[Token], value: Sequence[Token], text: str) -> bool:
    """Whether a label with no other near it is one: no heading, lead-in, note or reference, whose rest is text."""
    if any(map(str.isdigit, text)):
        return not (len(label) >= 4 and text.isdecimal())  # a lead-in, and a number of something else
    words = text.split()
    if len(words) > 1 and (text[-1] == "." or text[0].islower()):
        return False
    if label[0].bold and value[0].bold and len(words) > 1:
        return False
    short = sum(map(str.isalpha, join(label))) <= MIN_ALONE and join(label).isascii()
    small = sum(word[0].islower() for word in words[1:])
    return not short and not (len(words) >= SAID_WORDS and small >= 0.6 * (len(words) - 1))


def _drop_dialogue(found: Sequence[Candidate]) -> Iterator[Candidate]:
    """Candidates without what is said by people whose names come again."""
    said = {at for at, one in enumerate(found) if _SAID.search(join(one.value))}
    names = Counter(join(found[at].label) for at in said)
    dialogue = any(count > 1 for count in names.values())
    yield from (one for at, one in enumerate(found) if not dialogue or at not in said)


def _goes_on(layout: Layout, chunk: Chunk, labelled: Collection[Chunk], last: Chunk) -> bool:
    """Whether the line of a label and its value goes on in the next line, at the label's own edge."""
    within = 0.35 * max(chunk.size, chunk.last_size) / chunk.size  # a raised mark may begin the line
    below = layout.below(chunk, within=within)
    if below is None:  # the first line of a paragraph may be set in, that of a list item out
        below = layout.below(chunk, within=within, slack=3 * max(chunk.size, chunk.last_size))
        if below is None or below in labelled:
            return False
        hanging = not chunk.text[0].isalnum() and abs(below.x0 - chunk.tokens[1].x0) <= 2
        return hanging or (below.x0 < chunk.x0 and (below.in_prose or below.is_full or below.text[0].islower()))
    if below.text[0].islower() and abs(below.size - last.tokens[-1].size) <= 0.6:
        return True
    if (
        below in labelled
        or abs(below.size - last.tokens[-1].size) > 0.6
        or below.tokens[0].bold != last.tokens[-1].bold
    ):
        return False
    text = last.text
    if below.in_prose or last.in_prose or below.text[0].islower() or text[-1] in ",;-–&" or last.is_full:
        return True
    # running text under a value without digits goes on with it; under a number or date, it rarely does
    return (last.x1 - chunk.x0) / chunk.size > 9 and not any(map(str.isdigit, text.partition(":")[2] or text))


def _find_under(layout: Layout, chunk: Chunk, labelled: Collection[Chunk], *, siblings: int) -> list[Token]:
    for slack in (2.0, 2.5 * chunk.size):
        below = layout.below(chunk, within=1.1, slack=slack)
        if below is not None and below.x0 >= chunk.x0 - 2:
            break
    else:
        return []
    if below in labelled or below.in_prose or below.width > 1.4 * PROSE_WIDTH:
        return []
    if _MARKER.fullmatch(below.tokens[0].text) and not is_prefix(below.tokens[0].text):
        return []
    if below.bold and not chunk.bold and not siblings and chunk.size >= 0.95 * below.size:
        return []  # a heading
    if layout.is_ruled_between(chunk, below):
        return []
    others = layout.rows[below.row][below.at + 1 :]
    if len(others) > 1 and others[-1].text[0].islower() and len(others) >= len(layout.rows[chunk.row]) - chunk.at:
        return []  # a row of its own, such as a question with its options
    more = gather_below(layout, below, below.x0, labelled, beside=None)
    following = None if more else layout.below(below, within=1.6, slack=3 * below.size)
    if following is not None and following.in_prose:
        return []  # a heading
    if others and not others[0].in_prose and layout.right_of(chunk) is None:
        return []  # the first row of a group of them
    return [*below.tokens, *more] if len({round(token.y0) for token in more}) < MAX_LINES else []


def _has_more(layout: Layout, chunk: Chunk, labelled: Collection[Chunk]) -> bool:
    """Whether a row of a table has more cells than its labels have values."""
    row = layout.rows[chunk.row]
    labels = sum(other in labelled for other in row)
    return len(row) - labels > labels or labels == 1 < len(row) - chunk.at - 1


def _count_in_row(layout: Layout, chunk: Chunk, labelled: Collection[Chunk]) -> int:
    return sum(other in labelled for other in layout.rows[chunk.row]) - 1


def _has_place(layout: Layout, chunk: Chunk) -> bool:
    """Whether nothing is set off under a label, as under a heading."""
    close = layout.below(chunk, within=0.9)
    if close is not None and not _holds_label(close):
        return False
    after = None if close is None else layout.below(close, within=0.9)
    if after is not None and not _holds_label(after):
        return False  # an address that begins with a label
    following = layout.rows[chunk.row + 1] if chunk.row + 1 < len(layout.rows) else []
    under = [other for other in following if other.x0 < chunk.x1 + 4 * chunk.size and other.x1 > chunk.x0]
    if any(abs(other.x0 - chunk.x0) <= 2 for other in under):
        return True
    return all(other.y0 - chunk.y1 > 1.5 * chunk.size for other in under)


def _holds_label(chunk: Chunk) -> bool:
    return any(_is_label_end(token) for token in chunk.tokens)


def _has_widget(layout: Layout, area: Area) -> bool:
    """Whether a widget or a small box stands where a value would."""
    x0, y0, x1, y1 = area
    boxes = [(item.x0, item.y0, item.x1, item.y1) for item in layout.drawing.widgets]
    boxes += [
        (box.x0, box.y0, box.x1, box.y1)
        for box in layout.drawing.boxes
        if box.x1 - box.x0 <= MAX_SIDE and box.y1 - box.y0 <= MAX_SIDE
    ]
    return any(box[0] < x1 and box[2] > x0 and box[1] < y1 and box[3] > y0 for box in boxes)


def _measure_room(layout: Layout, chunk: Chunk) -> Area:
    beside = layout.right_of(chunk)
    end = min(beside.x0 - chunk.size if beside else layout.width, chunk.x1 + 12 * chunk.size)
    return chunk.x1 + 1, chunk.y0, max(end, chunk.x1 + 2), chunk.y1


def _enclose(tokens: Sequence[Token]) -> Area:
    return (
        min(token.x0 for token in tokens),
        min(token.y0 for token in tokens),
        max(token.x1 for token in tokens),
        max(token.y1 for token in tokens),
    )
