"""Builds `docmatix/text/letter_sequences.npz`, by which pages are judged.

    pip download --no-deps langdetect==1.0.9 && tar xzf langdetect-1.0.9.tar.gz
    python -m benchmarks.letter_sequences langdetect-1.0.9/langdetect/profiles

The counts of letters, pairs and triples are those of langdetect's profiles (Apache License 2.0; Nakatani Shuyo and
Michal Danilak), taken from Wikipedia. Of a script's rarest letters only their being unknown is kept.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from docmatix.text.letters import TABLES

SCRIPTS = {
    "latin": "af ca cs cy da de en es et fi fr hr hu id it lt lv nl no pl pt ro sk sl so sq sv sw tl tr vi".split(),
    "cyrillic": "bg mk ru uk".split(),
    "greek": ["el"],
    "arabic": "ar fa ur".split(),
    "hebrew": ["he"],
}
RANGES = {
    "latin": [(0x41, 0x250), (0x1E00, 0x1F00)],
    "cyrillic": [(0x400, 0x530)],
    "greek": [(0x370, 0x400), (0x1F00, 0x2000)],
    "arabic": [(0x600, 0x700)],
    "hebrew": [(0x590, 0x600)],
}
MIN_SHARE = 3e-4  # of a language's letters, to be one of its script's
STEP = 24  # of a probability's logarithm: 255 steps reach 1 / 40,000
_SAME = str.maketrans("șțيكأإآىةς", "şţیکاااىهσ".replace("ى", "ی"))


def fold(letter: str) -> str:
    """The lower-case letter that a letter counts as: Vietnamese without tones, Greek without accents."""
    letter = letter.lower()[:1].translate(_SAME)
    if "\u1e00" <= letter < "\u1f00":
        parts = unicodedata.normalize("NFD", letter)
        return unicodedata.normalize(
            "NFC", parts[0] + "".join(mark for mark in parts[1:] if mark in "\u0302\u0306\u031b")
        )
    if "\u0370" <= letter < "\u0400" or "\u1f00" <= letter < "\u2000":
        return unicodedata.normalize("NFD", letter)[0].translate(_SAME)
    return letter


def list_letters(script: str) -> list[str]:
    return [chr(code) for low, high in RANGES[script] for code in range(low, high) if chr(code).isalpha()]


def read_counts(profile: Path, script: str) -> list[Counter[str]]:
    """Counts of the sequences of 0 to 3 letters of a script, or spaces."""
    known = set(list_letters(script)) | {" "}
    counts: list[Counter[str]] = [Counter() for _ in range(4)]
    for sequence, count in json.loads(profile.read_text())["freq"].items():
        folded = "".join(letter if letter == " " else fold(letter) for letter in sequence)
        if len(folded) <= 3 and known.issuperset(folded):
            counts[len(folded)][folded] += count
    return counts


def quantize(counts: list[Counter[str]], sequences: list[str], places: dict[str, int]) -> np.ndarray[Any, Any]:
    """How probable the last letter of each sequence is after those before it: 0 for never, else the rarer the more."""
    totals: Counter[str] = Counter()
    for sequence, count in counts[len(sequences[0])].items():
        totals[sequence[:-1]] += count
    column = np.zeros(len(sequences), np.uint8)
    for sequence, count in counts[len(sequences[0])].items():
        if sequence in places:
            column[places[sequence]] = min(255, 1 + round(-np.log(count / totals[sequence[:-1]]) * STEP))
    return column


def build_script(script: str, profiles: Path) -> dict[str, np.ndarray[Any, Any]]:
    counts = {language: read_counts(profiles / language, script) for language in SCRIPTS[script]}
    common = {
        letter
        for ones in (each[1] for each in counts.values())
        for letter, count in ones.items()
        if letter != " " and count > MIN_SHARE * ones.total()
    }
    alphabet = [" ", *sorted(common)]
    table: dict[str, np.ndarray[Any, Any]] = {"languages": np.array(SCRIPTS[script])}
    for length, name in ((1, "letters"), (2, "pairs"), (3, "triples")):
        found = {sequence for each in counts.values() for sequence in each[length] if set(sequence) <= set(alphabet)}
        # a triple with a space in its middle says nothing of the word that begins
        sequences = sorted(found - {" "}) if length < 3 else sorted(each for each in found if each[1] != " ")
        sequences = [each for each in sequences if each != "  "]
        places = {sequence: place for place, sequence in enumerate(sequences)}
        table[name] = np.array([[alphabet.index(letter) for letter in each] for each in sequences], np.uint8)
        table[f"{name}_rarity"] = np.stack([quantize(each, sequences, places) for each in counts.values()], axis=1)
    classes = [(ord(letter), fold(letter)) for letter in list_letters(script)]
    table["codes"] = np.array([code for code, _ in classes], np.uint16)
    # the last class is that of all letters that are not in the alphabet
    table["classes"] = np.array(
        [alphabet.index(folded) if folded in common else len(alphabet) for _, folded in classes], np.uint8
    )
    return {f"{script}_{name}": values for name, values in table.items()}


def main(profiles: Path) -> None:
    tables: dict[str, Any] = {"scripts": np.array(list(SCRIPTS)), "step": np.array(STEP)}
    for script in SCRIPTS:
        tables |= build_script(script, profiles)
    np.savez_compressed(TABLES, **tables)
    print(f"{TABLES}: {TABLES.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
