"""What OCR knows of a page goes through JSON and back."""

from __future__ import annotations

import pytest

from docmatix.core.documents import Box
from docmatix.pdf.drawings import FilledBox, Mark, Rule
from docmatix.pdf.ocr.results import OcrReading, OcrWord, pack_reading, unpack_reading
from docmatix.pdf.ocr.straightening import Straightening

WORDS = (OcrWord("Größe", Box(0.1, 0.2, 0.3, 0.4), 0, 0, 0.91, 10.5, True), OcrWord('"x"', Box(0, 0, 1, 1), 1, 0, 0.2))
BOXES = (FilledBox(1.0, 2.0, 3.0, 4.0, True, None), FilledBox(1.0, 2.0, 3.0, 4.0, False, (0.8,)))
MARKS = (Mark(1.0, 2.0, 3.0, 4.0, True, (0.0,)), Mark(1.0, 2.0, 3.0, 4.0, False, None))
READING = OcrReading(
    WORDS, Straightening(1700, 2200, 3, -1.5), 200, 0.9, False, (Rule(1.0, 2.0, 3.0, 2.0),), BOXES, MARKS
)


@pytest.mark.parametrize("reading", [READING, OcrReading((), Straightening(0, 0), 100, 0.0, True)])
def test_a_reading_is_the_same_once_it_was_packed(reading: OcrReading) -> None:
    assert unpack_reading(pack_reading(reading)) == reading


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '[[["a"]],[1,1,0,0],100,0.5,false,[],[],[]]'])
def test_other_texts_are_no_reading(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of JSON's own or ours
        unpack_reading(text)
