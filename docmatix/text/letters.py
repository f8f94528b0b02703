"""How rare a text's sequences of letters are in the languages of their script.

The statistics of 40 languages stand in `letter_sequences.npz`, which `benchmarks.letter_sequences` builds: how probable
a letter, or the end of a word, is after the two before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

TABLES = Path(__file__).with_name("letter_sequences.npz")

MIN_WORD = 3  # letters: units are shorter, and any two letters follow each other somewhere
MIN_CAPITALS = 5  # letters of a word in capitals: codes and acronyms are shorter
LONG_WORD = 4
MAX_WORD = 500  # letters: no word, and no line without its spaces
WINDOW = 96  # letters and spaces that are judged together: a page may be bad in part, or in two languages
STEP = 16  # of a rarity, the negative logarithm of a probability: 255 steps reach 1 in 8 million

# a pair's share in the probability of a triple, then what is left to what was never seen
_PAIR, _UNSEEN_TRIPLE, _UNSEEN_PAIR, _UNKNOWN = 0.15, 0.15, 0.05, 1e-6

Array = np.ndarray[Any, Any]


class Reading(NamedTuple):
    """What a script's letters on a page are like, as mean rarities of letters in nats."""

    letters: int
    windows: Array
    """One a window, in the language that suits it best."""
    mean: float
    """Of all letters, in the language that suits them best."""
    odd: float
    """The share of the longer words that this language hardly has."""
    unknown: float
    """The share of letters that no known language of the script has."""


@dataclass(frozen=True, slots=True)
class Script:
    """One script's letters and the languages written in it."""

    name: str
    classes: Array
    """Of each code point: 0 for what is no letter of this script."""
    capitals: Array
    """Of each code point: 1 for a capital."""
    rows: Array
    """Of each three classes: the row of `rarities`."""
    rarities: Array
    """A row a sequence, a column a language."""
    size: int

    def read(self, codes: Array, *, min_letters: int, odd_from: float, by_word: bool = False) -> Reading | None:
        """How a text, given as UTF-16, reads in this script; None if its words have too few letters. Windows `by_word`
        are one: each word in the language that suits it best, as in a list of names from everywhere."""
        classes = _keep_words(self.classes[codes], self.capitals[codes])
        letters = int(np.count_nonzero(classes))
        if letters < min_letters:
            return None
        one, two, three = classes[:-2], classes[1:-1], classes[2:]
        # the first letter of a word comes after a space, whatever was before that
        rows = self.rows[np.where(two == 0, 0, one * self.size + two) * self.size + three]
        rarities = self.rarities.take(rows, axis=0)
        starts = np.linspace(0, len(rows), max(1, round(len(rows) / WINDOW)), endpoint=False).astype(np.int64)
        # 16 bits hold a window and a half, and take a third of the time
        sums = np.add.reduceat(rarities, starts, axis=0, dtype=np.uint16)
        total = sums.sum(axis=0, dtype=np.int64)
        best = int(total.argmin())
        windows = sums.min(axis=1) / (np.diff(starts, append=len(rows)) * STEP)
        starts, lengths = _find_words(three)
        odd = _measure_odd(rarities[:, best], starts, lengths, odd_from)
        if by_word:
            words = np.add.reduceat(rarities, starts, axis=0, dtype=np.uint32).min(axis=1)
            windows = np.array([words.sum() / lengths.sum() / STEP])
        unknown = np.count_nonzero(classes == self.size - 1) / letters
        return Reading(letters, windows, float(total[best]) / len(rows) / STEP, odd, unknown)


def _keep_words(classes: Array, capitals: Array) -> Array:
    """The classes of words that are long enough, each with one space before and behind."""
    spaced = np.zeros(len(classes) + 2, np.int32)
    spaced[1:-1] = classes
    spaces = np.flatnonzero(spaced == 0)
    gaps = np.diff(spaces)
    capitals = np.diff(np.concatenate(([0], np.cumsum(capitals)))[np.minimum(spaces, len(classes))])
    long = ((gaps > MIN_CAPITALS) | ((gaps > MIN_WORD) & (capitals < gaps - 1))) & (gaps <= MAX_WORD)
    kept = np.repeat(long, gaps)  # from each space to before the next
    return np.append(spaced[:-1][kept], 0)


def _find_words(letters: Array) -> tuple[Array, Array]:
    """Where each word starts, and its length with the space behind it."""
    ends = np.flatnonzero(letters == 0)
    starts = np.concatenate(([0], ends[:-1] + 1))
    return starts, ends - starts + 1


def _measure_odd(rarities: Array, starts: Array, lengths: Array, odd_from: float) -> float:
    means = np.add.reduceat(rarities, starts, dtype=np.int32) / lengths / STEP
    long = lengths > LONG_WORD
    return float((means[long] > odd_from).mean()) if long.any() else 0.0


class Letters(NamedTuple):
    """All scripts whose languages are known."""

    scripts: tuple[Script, ...]
    script_of: Array
    """Of each code point: 0 for no letter, the number (from 1) of its script, OTHER for another script, MARK for vowel
    points and accents that stand above a letter."""
    languages: frozenset[str]


@cache
def load_letters() -> Letters:
    """The statistics; 0.1 s, once a process."""
    with np.load(TABLES) as tables:
        step = float(tables["step"])
        names = [str(name) for name in tables["scripts"]]
        scripts = tuple(_build(name, tables, step=step) for name in names)
        languages = frozenset(str(language)[:2] for name in names for language in tables[f"{name}_languages"])
    script_of = np.zeros(1 << 16, np.uint8)
    for low, high in _OTHER_SCRIPTS:
        script_of[low:high] = OTHER
    for number, script in enumerate(scripts, 1):
        script_of[script.classes > 0] = number
    for low, high in _MARKS:
        script_of[low:high] = MARK
    return Letters(scripts, script_of, languages)


MARK, OTHER = 14, 15
_MARKS = (
    (0x300, 0x370),
    (0x591, 0x5C8),
    (0x610, 0x61B),
    (0x640, 0x641),
    (0x64B, 0x660),
    (0x670, 0x671),
    (0x6D6, 0x6EE),
)
# Armenian, Syriac to Mongolian, Georgian to Japanese, Chinese, Korean, presentation forms
_OTHER_SCRIPTS = (
    *((0x530, 0x590), (0x700, 0x1E00), (0x2C00, 0x2E00), (0x3040, 0xA000), (0xA000, 0xD800), (0xF900, 0xFE00)),
    *((0xFE70, 0xFEFF), (0xFF66, 0xFFE0)),
)


def _build(name: str, tables: Any, *, step: float) -> Script:
    ones, twos, threes = (tables[f"{name}_{kind}"].astype(np.int32) for kind in ("letters", "pairs", "triples"))
    p1, p2, p3 = (_to_probabilities(tables[f"{name}_{kind}_rarity"], step) for kind in ("letters", "pairs", "triples"))
    size = int(max(tables[f"{name}_classes"].max(), ones.max() + 1)) + 1
    languages = p1.shape[1]
    # class 0 ends a word; the last class is a letter that no language of the script has
    single = np.full((size, languages), _UNKNOWN)
    single[ones[:, 0]] = np.maximum(p1, _UNKNOWN)
    single[0] = 0.15
    pairs = np.zeros((size, size, languages))
    pairs[twos[:, 0], twos[:, 1]] = p2
    pairs = np.where(pairs > 0, pairs + _UNSEEN_PAIR * single, _UNSEEN_PAIR * single)
    rows = np.zeros((size, size, size), np.uint16)
    # a triple that no language has is as rare as its pair allows
    rows[:] = np.arange(size * size, dtype=np.uint16).reshape(size, size)
    table = _UNSEEN_TRIPLE * pairs.reshape(size * size, languages)
    known = (1 - _PAIR) * p3 + _PAIR * pairs[threes[:, 1], threes[:, 2]]
    rows[threes[:, 0], threes[:, 1], threes[:, 2]] = size * size + np.arange(len(threes), dtype=np.uint16)
    # word beginnings: the pair itself, since nothing is known of the word before
    table[:size] = pairs[0]
    rarities = np.clip(np.round(-np.log(np.concatenate((table, known))) * STEP), 0, 255).astype(np.uint8)
    classes = np.zeros(1 << 16, np.uint8)
    classes[tables[f"{name}_codes"]] = tables[f"{name}_classes"]
    capitals = np.zeros(1 << 16, np.uint8)
    capitals[[code for code in tables[f"{name}_codes"].tolist() if chr(code).isupper()]] = 1
    return Script(name, classes, capitals, rows.ravel(), rarities, size)


def _to_probabilities(quantized: Array, step: float) -> Array:
    return np.where(quantized > 0, np.exp((1.0 - quantized) / step), 0.0)
