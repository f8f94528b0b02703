"""Raised and lowered marks: what belongs to a number or word, and what stands beside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.pdf.glyphs import Glyph
from docmatix.pdf.marks import read_marked_line
from tests.pdf.content import read_text, set_runs, show


def read_runs(*runs: tuple[str, float, float], turn: str = "") -> str:
    return read_text(set_runs(*runs, turn=turn)).replace("\n", " ")


def raise_after(before: str, mark: str, after: str = " of the total") -> str:
    """A mark as Word sets it: 7 of 11 points, raised by a third."""
    return read_runs((f"They say that {before}", 11, 0), (mark, 7, 4), (after, 11, 0))


@pytest.mark.parametrize(
    ("before", "mark", "read"),
    [
        ("$320", "1", "$320 ¹ of"),
        ("2,500", "2", "2,500 ² of"),
        ("2,500", "1,2", "2,500 ¹,² of"),
        ("45%", "3", "45% ³ of"),
        ("1987", "12", "1987 ¹² of"),
        ("3.2", "a", "3.2 ᵃ of"),
        ("million", "5", "million ⁵ of"),
        ("Institute", "2", "Institute ² of"),
        ("Rate", "*", "Rate * of"),
        ("EUR 250", "9", "250 ⁹ of"),
    ],
)
def test_a_footnote_mark_stands_apart(before, mark, read):
    assert read in raise_after(before, mark)


@pytest.mark.parametrize(
    ("before", "mark", "read"),
    [
        ("10", "6", "10⁶ of"),
        ("1.5×10", "-3", "1.5×10⁻³ of"),
        ("2", "32", "2³² of"),
        ("14 km", "2", "14 km² of"),
        ("7 kg/m", "3", "7 kg/m³ of"),
        ("3 s", "-1", "3 s⁻¹ of"),
        ("x", "2", "x² of"),
        ("x", "n", "xⁿ of"),
        ("Na", "+", "Na⁺ of"),
        ("Ca", "2+", "Ca²⁺ of"),
    ],
)
def test_an_exponent_belongs_to_its_base(before, mark, read):
    assert read in raise_after(before, mark)


@pytest.mark.parametrize(
    ("before", "mark", "after", "read"),
    [
        ("the 1", "st", " of May", "the 1st of May"),
        ("le 1", "er", " mai", "le 1er mai"),
        ("M", "me", " Curie", "Mme Curie"),
        ("Acme", "TM", " bolts", "Acme™ bolts"),
        ("at 100", "o", "C now", "at 100°C now"),
        ("at 100", "0", "C now", "at 100°C now"),
        ("only $19", "99", " each", "only $19⁹⁹ each"),
    ],
)
def test_raised_letters_of_ordinals_and_names_stay_in_their_word(before, mark, after, read):
    assert read in raise_after(before, mark, after)


def test_punctuation_after_a_mark_belongs_to_the_word_before_it():
    assert "paid $320, ¹ and" in read_runs(("They paid $320", 11, 0), ("1", 7, 4), (", and left", 11, 0))


def test_a_mark_before_a_word_stands_apart_unless_it_is_an_isotopes():
    assert read_runs(("1", 6, 3), ("Source: the ministry", 9, 0)).startswith("¹ Source:")
    assert "of ¹⁴C in" in read_runs(("The share of ", 11, 0), ("14", 7, 4), ("C in the bone", 11, 0))


def test_lowered_digits_of_formulae_stay_in_their_word_and_after_digits_are_marked():
    assert "of H2O and CO2 in" in read_runs(
        ("Parts of H", 11, 0), ("2", 7, -2), ("O and CO", 11, 0), ("2", 7, -2), (" in the air", 11, 0)
    )
    assert "101₂ is five" in read_runs(("In short, 101", 11, 0), ("2", 7, -2), (" is five", 11, 0))


@pytest.mark.parametrize(
    ("whole", "above", "below", "read"),
    [("3", "1", "2", "take 3½ cups"), ("", "3", "4", "take ¾ cups"), ("5", "7", "16", "take 5⁷⁄₁₆ cups")],
)
def test_a_raised_number_a_slash_and_a_small_one_are_a_fraction(whole, above, below, read):
    runs = [(f"Please take {whole}", 11.0, 0.0), (above, 6.5, 4.0), ("/", 11.0, 0.0), (below, 6.5, 0.0)]
    assert read in read_runs(*runs, (" cups of flour", 11.0, 0.0))


def test_a_number_over_another_is_a_fraction():
    line = show("Please take 3") + show("1", 138.2, 703.9, 7) + show("2", 138.2, 696.5, 7)
    line += show(" cups of flour", 142.1, 700)
    assert "take 3½ cups of" in read_text(line).replace("\n", " ")


def test_a_mark_raised_so_far_that_mupdf_begins_a_line_is_still_a_mark():
    line = show("It paid a total of $320") + show("1", 174.8, 706.2, 6.5)
    line += show(" in the year to March.", 178.5, 700)
    assert "of $320 ¹ in the year" in read_text(line).replace("\n", " ")


@pytest.mark.parametrize("turn", ["0 1 -1 0 300 200", "0 -1 1 0 300 600", "0.98 0.17 -0.17 0.98 72 300"])
def test_marks_are_found_on_lines_that_are_turned(turn):
    assert "of $320 ¹ in" in read_runs(("A total of $320", 11, 0), ("1", 7, 4), (" in the year", 11, 0), turn=turn)


def test_marks_that_the_file_carries_as_such_stay():
    assert read_text(show("It covers 14 km\xb2 and 10\xb3 trees.")) == "It covers 14 km² and 10³ trees."


@pytest.mark.parametrize(
    "runs",
    [
        [("O", 30.0, 0.0), ("nce upon a time there was a king", 11.0, 0.0)],  # an initial
        [("U", 11.0, 0.0), ("NITED ", 8.0, 0.0), ("N", 11.0, 0.0), ("ATIONS", 8.0, 0.0)],  # small capitals
        [("25", 20.0, 0.0), (" million euros for 12 schools", 9.0, 0.0)],
    ],
    ids=["initial", "small capitals", "large number"],
)
def test_text_of_several_sizes_on_one_baseline_has_no_marks(runs):
    assert read_runs(*runs) == "".join(text for text, _, _ in runs)


def test_the_words_of_a_scan_differ_in_size_and_baseline_and_are_no_marks():
    words = [("The", 11.0, 0.0), ("year", 9.6, 1.6), ("1987", 9.2, 2.2), ("was", 11.2, 0.3), ("12", 9.3, 2.0)]
    line, x = "", 72.0
    for text, size, rise in words:
        line += show(text, x, 700 + rise, size)
        x += 0.56 * size * len(text) + 3
    assert read_text(line).split() == ["The", "year", "1987", "was", "12"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list("abM10/+ ,²%$")), st.sampled_from([5.0, 7.0, 11.0]), st.sampled_from([-3, 0, 4])
        ),
        max_size=12,
    )
)
def test_every_glyph_of_a_line_is_in_one_word(glyphs):
    line = [
        Glyph(text, 6.0 * at, 6.0 * at + 5, float(rise), size, (6.0 * at, 0.0, 6.0 * at + 5, 10.0))
        for at, (text, size, rise) in enumerate(glyphs)
    ]
    words = read_marked_line(line)
    ink = [glyph for glyph in line if glyph.text != " "]
    assert all(text and not any(map(str.isspace, text)) for text, _ in words)
    assert {x for _, box in words for x in (box[0], box[2])} <= {x for glyph in ink for x in (glyph.start, glyph.end)}
    if ink:
        assert min(box[0] for _, box in words) == ink[0].start
