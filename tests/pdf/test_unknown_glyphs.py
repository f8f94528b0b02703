"""Glyphs of which MuPDF does not know the meaning: what their fonts say, and what is left unknown."""

from __future__ import annotations

import pytest

from docmatix.pdf.characters import SOFT_HYPHEN
from docmatix.pdf.glyph_names import read_glyph_name
from tests.pdf.content import read_text, show, write_font, write_map

U = "\ufffd"
MEANINGS = {chr(code): chr(code) for code in range(0x20, 0x7F)}


def read_with(meanings: dict[str, str], text: str, *, differences: str = "") -> str:
    font = write_font("Helvetica", differences=differences, to_unicode=6)
    return read_text(show(text), font, objects=[write_map({**MEANINGS, **meanings})])


@pytest.mark.parametrize("unknown", [U, "\ue123", "\uf8ff", "\x03", "\x16", "\x81"])
def test_an_unknown_character_keeps_its_place_in_its_word(unknown):
    text = read_with({"1": unknown}, "They had 1987 men, 2001 horses", differences="49/g1")
    assert text == f"They had {U}987 men, 200{U} horses"


def test_a_minus_without_a_meaning_is_not_dropped():
    text = read_with({"-": "\x03"}, "The rate fell by -3.2 percent", differences="45/g1")
    assert text == f"The rate fell by {U}3.2 percent"
    assert read_with({"-": U}, "It fell to - 18 degrees") == f"It fell to {U} 18 degrees"


@pytest.mark.parametrize("invisible", ["\u200b", "\ufeff", "\u2060", "\u200d", "\u202c", "\U000e0041"])
def test_a_digit_that_the_file_calls_invisible_is_unknown(invisible):
    assert read_with({"9": invisible}, "They had 1987 men in 1994") == f"They had 1{U}87 men in 1{U}{U}4"


def test_invisible_marks_without_ink_vanish():
    assert read_with({" ": "\u200b"}, "over there") == "overthere"
    assert read_with({"9": "9\u200b"}, "They had 1987 men") == "They had 1987 men"
    assert read_with({"9": "\ufeff9"}, "They had 1987 men") == "They had 1987 men"


def test_glyphs_without_ink_are_blanks_whatever_the_file_calls_them():
    assert read_with({" ": U}, "Words that have spaces") == "Words that have spaces"
    assert read_with({" ": "\x03"}, "Words that have spaces") == "Words that have spaces"


def test_a_bullet_is_left_out_and_another_sign_before_a_text_is_not():
    assert read_with({"*": U}, "* Apples and pears") == "Apples and pears"
    assert read_with({"*": U}, "* 18 degrees") == f"{U} 18 degrees"
    bullet = show("*", 72) + show("Apples and pears", 90)
    font = write_font("Helvetica", to_unicode=6)
    meanings = [write_map({**MEANINGS, "*": U})]
    assert read_text(bullet, font, objects=meanings) == "Apples and pears"
    cells = show("Loss", 72) + show("*", 200) + show("Profit", 300)
    assert read_text(cells, font, objects=meanings).split() == ["Loss", U, "Profit"]


def test_names_of_glyphs_are_read_where_there_is_no_map():
    names = "49/one.oldstyle/uni0032/u0033/f_i/uni00660069/sevenoldstyle/Asmall/onesuperior/Tcommaaccent"
    font = write_font("Foo", differences=names)
    assert read_text(show("123 4 5 6 7 89"), font) == "123 fi fi 7 A ¹Ţ"


def test_a_name_that_some_program_made_up_means_nothing():
    font = write_font("Helvetica", differences="49/g1/c50/G33/glyph7/cid41/index5")
    assert read_text(show("x 123456 y 8"), font) == f"x {U * 6} y 8"


def test_two_fonts_of_one_name_that_disagree_say_nothing():
    content = show("8") + show("8", y=680, font="F2")
    first, second = (write_font("ABCDEF+Foo", differences=f"56/{name}") for name in ("uni00380039", "uni00310032"))
    assert read_text(content, first, first).split() == ["89", "89"]
    assert read_text(content, first, second).split() == [U, U]


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("one", "1"),
        ("one.lf", "1"),
        ("f_f_i", "ffi"),
        ("uni20AC0031", "€1"),
        ("u1D7CE", "\U0001d7ce"),
        ("minus", "−"),
        ("afii57392", "٠"),
        ("zerooldstyle", "0"),
        ("rsuperior", "ʳ"),
        ("uniD800", None),
        ("g17", None),
        (".notdef", None),
        ("a20", None),
        ("", None),
    ],
)
def test_glyph_names_follow_adobes_rules(name, meaning):
    assert read_glyph_name(name) == meaning


# --- ActualText -------------------------------------------------------------------------------------------------------


def replace(shown: str, by: str) -> str:
    return f"/Span <</ActualText({by})>> BDC {shown}EMC\n"


@pytest.mark.parametrize(
    "by",
    ["The actual price is 200 euros.", "", "200", "The price of it is 300 euros, and VAT.", "300"],
    ids=["lie", "empty", "shorter", "longer", "part"],
)
def test_what_is_seen_counts_and_not_what_actual_text_says(by):
    shown = replace(show("The price of it is 300 euros."), by)
    assert read_text(show("Before.", y=720) + shown).split("\n")[-1] == "The price of it is 300 euros."


def test_alternate_text_and_expansions_count_for_nothing():
    shown = "/Span <</Alt(200 dollars)/E(two hundred)>> BDC " + show("300 euros") + "EMC "
    assert read_text(shown) == "300 euros"


def test_actual_text_tells_what_unknown_glyphs_mean():
    font = write_font("Helvetica", to_unicode=6)
    meanings = [write_map({**MEANINGS, "#": U, "@": U})]
    content = (
        "BT /F1 11 Tf 72 700 Td (Find the of) Tj /Span <</ActualText(f)>> BDC (#) Tj EMC (er of ) Tj "
        "/Span <</ActualText(ffi)>> BDC (@) Tj EMC (ces) Tj ET"
    )
    assert read_text(content, font, objects=meanings) == "Find the offer of ffices"


@pytest.mark.parametrize("by", ["We sold 900 cars", "123456789", "", "\\376\\377\\377\\375"])
def test_actual_text_that_lies_about_known_glyphs_is_not_believed_about_others(by):
    font = write_font("Helvetica", to_unicode=6)
    content = replace(show("We sold 5#0 cars"), by)
    assert read_text(content, font, objects=[write_map({**MEANINGS, "#": U})]) == f"We sold 5{U}0 cars"


def test_soft_hyphens_disappear_within_a_line_and_stay_at_its_end_and_beside_digits():
    text = show("The docu~ment of 2019~2020 was care~") + show("fully made", y=686)
    font = write_font("Helvetica", to_unicode=6)
    read = read_text(text, font, objects=[write_map({**MEANINGS, "~": SOFT_HYPHEN})])
    assert read.replace("\n\n", "\n") == "The document of 2019-2020 was care-\nfully made"


def test_a_font_that_calls_all_its_hyphens_soft_keeps_them():
    lines = ["un ion acido~basique", "de l'acide~base", "au~dela de", "un contre~poids"]
    text = "".join(show(line, y=700 - 14 * number) for number, line in enumerate(lines))
    font = write_font("Helvetica", to_unicode=6)
    read = read_text(text, font, objects=[write_map({**MEANINGS, "~": SOFT_HYPHEN})])
    assert read.split("\n") == [line.replace("~", "-") for line in lines]
