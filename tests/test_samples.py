"""The committed sample PDFs: drawn by their script, small, and sound as documents."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from benchmarks.scans import draw_grey
from docmatix.core.documents import Refusal
from docmatix.facts.profile import profile_page
from docmatix.pdf.ocr.blankness import is_blank
from docmatix.pdf.ocr.straightening import LOOK_DPI, find_ink, find_lines
from docmatix.pdf.reading import read_pages
from docmatix.pdf.settings import Extract

SAMPLES = Path(__file__).parents[1] / "samples"
PDFS = sorted(SAMPLES.glob("*.pdf"))


def writer(pdf: bytes) -> bytes:
    """The line near its top in which MuPDF names its version."""
    return next(line for line in pdf.splitlines() if line.startswith(b"% Written by"))


def test_the_script_draws_the_committed_files_byte_for_byte(tmp_path):
    subprocess.run([sys.executable, "-B", SAMPLES / "make_samples.py", tmp_path], check=True)
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_bytes() for path in PDFS}
    assert drawn.keys() == committed.keys()
    if any(writer(drawn[name]) != writer(committed[name]) for name in drawn):
        pytest.skip("another MuPDF drew the committed files")
    assert [name for name in drawn if drawn[name] != committed[name]] == []


def test_there_are_twelve_samples_and_they_stay_small():
    assert len(PDFS) == 12
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.suffix != ".pyc") < 600_000


@pytest.mark.parametrize("path", PDFS, ids=lambda path: path.stem)
def test_each_sample_opens_unharmed_and_only_the_manual_and_the_claim_have_pages_without_text(path):
    with pymupdf.open(path) as document:
        assert not document.is_repaired
        assert not document.needs_pass
        blank = [page.number + 1 for page in document if not page.get_text().strip()]
        assert blank == {"manual": [4], "claim": [1, 2]}.get(path.stem, [])


@pytest.mark.parametrize("path", PDFS, ids=lambda path: path.stem)
def test_no_word_leaves_its_page_or_lies_on_another(path):
    with pymupdf.open(path) as document:
        for page in document:
            # a word's box reaches above and below its letters: only the middle half of its height must be free
            cores = [(x0, y0 + (y1 - y0) / 4, x1, y1 - (y1 - y0) / 4) for x0, y0, x1, y1, *_ in page.get_text("words")]
            width, height = page.rect.width, page.rect.height
            assert all(x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height for x0, y0, x1, y1 in cores), page.number
            assert not any(
                a[1] < b[3] and b[1] < a[3] and a[0] + 1 < b[2] and b[0] + 1 < a[2] for a, b in combinations(cores, 2)
            ), page.number


def test_the_scanned_page_is_an_image_over_invisible_words():
    with pymupdf.open(SAMPLES / "scanned.pdf") as document:
        (page,) = document
        (image,) = page.get_image_info()
        assert pymupdf.Rect(image["bbox"]).get_area() > 0.9 * page.rect.get_area()
        assert {span["type"] for span in page.get_texttrace()} == {3}
        assert "derailment of a ballast wagon at Quarry Siding on 9" in page.get_text()


def test_the_words_of_the_scanned_page_lie_where_its_image_is_dark():
    with pymupdf.open(SAMPLES / "scanned.pdf") as document:
        (page,) = document
        picture = page.get_pixmap(dpi=144, colorspace=pymupdf.csGRAY)
        levels = picture.samples

        def has_ink(word: Any) -> bool:
            x0, y0, x1, y1 = (round(2 * edge) for edge in word[:4])
            return any(min(levels[y * picture.stride + x0 : y * picture.stride + x1]) < 150 for y in range(y0, y1))

        assert [word[4] for word in page.get_text("words") if word[4].isalnum() and not has_ink(word)] == []


def test_the_claim_is_two_grey_pictures_without_words_and_lies_askew():
    with pymupdf.open(SAMPLES / "claim.pdf") as document:
        assert document.page_count == 2
        for page, skew in zip(document, (0.9, -1.4), strict=True):
            (image,) = page.get_image_info()
            assert pymupdf.Rect(image["bbox"]).get_area() > 0.99 * page.rect.get_area()
            assert image["colorspace"] == 1
            look = draw_grey(page, LOOK_DPI)
            assert not is_blank(look)
            assert find_lines(find_ink(look)).skew == pytest.approx(skew, abs=0.2)
    assert (SAMPLES / "claim.pdf").stat().st_size < 300_000


def test_the_charts_look_like_charts():
    read = read_pages((SAMPLES / "charts.pdf").read_bytes(), settings=Extract(), with_drawings=True)
    assert not isinstance(read, Refusal)
    (page,), (drawing,) = read.document.pages, read.drawings
    assert profile_page(page, drawing).chart >= 0.5


def test_the_manual_is_long_and_its_contents_name_the_right_pages():
    with pymupdf.open(SAMPLES / "manual.pdf") as document:
        assert document.page_count >= 24
        listed = re.findall(r"^((?:\d+|Appendix) .+)\n(\d+)$", document[2].get_text(), re.MULTILINE)
        assert len(listed) == 16
        assert [title for title, number in listed if title not in document[int(number) - 1].get_text()] == []
