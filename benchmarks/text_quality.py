"""How well `docmatix.text.quality` tells honest pages from bad text layers.

    python -m benchmarks.text_quality [FOLDER]

Reads the PDFs of a folder, makes bad layers of their pages, and prints, for each kind and for each half of the files
(even and odd in the order of their names), how many pages fall below `MIN_QUALITY` and the area under the ROC curve.
"""

from __future__ import annotations

import random
import string
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from docmatix.core.documents import Document
from docmatix.pdf.reading import read_document
from docmatix.pdf.settings import Extract
from docmatix.text.quality import MIN_QUALITY, measure_quality

SAMPLES = Path(__file__).parent.parent / "samples"
MIN_CHARS = 600
DRAW = random.Random(7)
_LOOKS = {
    "e": "co",
    "a": "uno",
    "t": "lif",
    "o": "ce0",
    "n": "um",
    "i": "l1!",
    "s": "a5$",
    "r": "iv",
    "h": "bl",
    "c": "eo",
}


def shift(text: str, by: int) -> str:
    return "".join(c if c.isspace() or not 33 <= ord(c) + by < 127 else chr(ord(c) + by) for c in text)


def shift_lines(text: str, share: float) -> str:
    return "\n".join(shift(line, -29) if DRAW.random() < share else line for line in text.split("\n"))


def permute(text: str, count: int) -> str:
    chosen = DRAW.sample(string.ascii_lowercase, count)
    turned = "".join(chosen[1:] + chosen[:1])
    one = "".join(chosen)
    return text.translate(str.maketrans(one + one.upper(), turned + turned.upper()))


def misread(text: str, share: float) -> str:
    def change(letter: str) -> str:
        kind = DRAW.random()
        if kind < 0.62:
            return DRAW.choice(_LOOKS.get(letter.lower(), "ijlf"))
        if kind < 0.72:
            return DRAW.choice(".,'-^*~;:\"|\\/")
        if kind < 0.80:
            return letter + " "
        return "" if kind < 0.88 else letter.swapcase()

    return "".join(change(c) if not c.isspace() and DRAW.random() < share else c for c in text)


def interleave(text: str) -> str:
    half = len(text) // 2
    flat = " ".join(text.split())
    return "".join(a + b for a, b in zip(flat[:half], flat[half:], strict=False))


def decode_wrongly(text: str) -> str:
    return text.replace("a", "á").replace("o", "ö").encode().decode("cp1252", "ignore")


KINDS: dict[str, Callable[[str], str]] = {
    **{f"shifted by {by}": partial(shift, by=by) for by in (-31, -29, -11, -3, 1, 3)},
    **{f"{share:.0%} of lines shifted": partial(shift_lines, share=share) for share in (0.3, 0.5, 0.7)},
    **{f"{count} letters permuted": partial(permute, count=count) for count in (4, 6, 10, 26)},
    **{f"{share:.0%} misread": partial(misread, share=share) for share in (0.05, 0.1, 0.2, 0.3)},
    "interleaved": interleave,
    "UTF-8 as Latin-1": decode_wrongly,
}


def find_area(honest: Sequence[float], bad: Sequence[float]) -> float:
    """The area under the ROC curve: how often a bad page is below an honest one."""
    wins = sum((b < h) + (b == h) / 2 for b in bad for h in honest)
    return wins / max(1, len(bad) * len(honest))


def measure(texts: Sequence[str]) -> list[float]:
    """What cannot be judged counts as honest."""
    return [1.0 if (quality := measure_quality(text)) is None else quality for text in texts]


def main(folder: Path) -> None:
    halves: tuple[list[str], list[str]] = ([], [])
    for number, path in enumerate(sorted(folder.glob("*.pdf"))):
        document = read_document(path.read_bytes(), settings=Extract(tables=False))
        if isinstance(document, Document):
            halves[number % 2].extend(page.text for page in document.pages if page.words)
    texts = [*halves[0], *halves[1]]
    measure(texts[:1])
    start = time.process_time()
    measure(texts)
    print(f"{len(texts)} pages, {(time.process_time() - start) / max(1, len(texts)) * 1000:.2f} ms a page")
    for name, half in zip(("even files", "odd files"), halves, strict=True):
        honest = measure(half)
        low = sum(quality < MIN_QUALITY for quality in honest)
        print(f"\n{name}: {len(half)} pages, {low} below {MIN_QUALITY}, lowest {min(honest, default=1.0):.2f}")
        long = [text for text in half if sum(c.isascii() and c.isalpha() for c in text) > MIN_CHARS]
        for kind, spoil in KINDS.items():
            bad = measure([spoil(text) for text in long])
            caught = sum(quality < MIN_QUALITY for quality in bad) / max(1, len(bad))
            print(f"  {kind:24} {len(bad):4} pages, {caught:6.1%} caught, area {find_area(honest, bad):.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
