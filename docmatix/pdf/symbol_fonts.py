"""What characters mean in the fonts Symbol, Wingdings and ZapfDingbats, and Adobe's own codes for old-style digits and
small capitals. Programs give their glyphs codes of the private use area, or the letters of the same keys."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Family = Literal["symbol", "wingdings", "wingdings2", "wingdings3", "webdings", "dingbats", "icons"]

_FAMILIES: tuple[tuple[Family, re.Pattern[str]], ...] = (
    ("wingdings2", re.compile(r"wingdings ?2")),
    ("wingdings3", re.compile(r"wingdings ?3")),
    ("wingdings", re.compile(r"wingdings")),
    ("webdings", re.compile(r"webdings")),
    ("dingbats", re.compile(r"(?:itc)?zapfdingbats|^d0500|^dingbats|^monotypesorts")),
    ("symbol", re.compile(r"^(?:symbol(?:mt|ps|std|set)?|standardsym(?:l|bolsps)?|euclidsymbol)(?:$|[-,])")),
    ("icons", re.compile(r"awesome|icon|material|glyphicon|emoji|iconic")),
)


@lru_cache(maxsize=512)
def find_family(font: str) -> Family | None:
    """The family of a font by its name, without the six letters of a subset; None for fonts of letters."""
    name = font.rpartition("+")[2].lower()
    return next((family for family, pattern in _FAMILIES if pattern.search(name)), None)


def find_meaning(character: str, font: str) -> str | None:
    """What a character of the private use area, or any character of a font of symbols, means; None if that is unknown.
    Other characters are returned as they are."""
    code, family = ord(character), find_family(font)
    private = 0xE000 <= code <= 0xF8FF or code >= 0xF0000
    if family is None:
        return ADOBE.get(character) if private else character
    if family == "icons":
        return None if private else character
    if 0xF020 <= code <= 0xF0FF:
        return _look_up(family, code - 0xF000)
    if private:
        return ADOBE.get(character)
    if family == "dingbats":
        # MuPDF takes the number in a glyph's name, such as a20, for a code
        return _DINGBAT_NAMES.get(code) if code < 0x100 and not character.isspace() else character
    if family == "symbol":
        return _look_up(family, code) if code < 0x100 and character not in _LATIN_IN_SYMBOL else character
    return _look_up(family, code) if code < 0x100 else character


def find_code_meaning(code: int, font: str) -> str | None:
    """What the code of a simple font of symbols, without an encoding of its own, means; None if that is unknown."""
    family = find_family(font)
    return _look_up(family, code & 0xFF) if family not in (None, "icons") and code >> 8 in (0, 0xF0) else None


def _look_up(family: Family | None, code: int) -> str | None:
    if code == 0x20:
        return " "
    if family == "symbol":
        found = _SYMBOL.get(code)
    elif family == "dingbats":
        found = _find_dingbat(code)
    else:
        found = _PICTURES.get(family, {}).get(code)
    return found


def _spread(first: int, characters: str) -> dict[int, str]:
    """Characters at consecutive codes; a blank for a code without a meaning."""
    return {first + at: character for at, character in enumerate(characters) if character != " "}


_SYMBOL = {
    **_spread(0x21, "!∀#∃%&∋()∗+,−./0123456789:;<=>?"),
    **_spread(0x40, "≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_"),
    **_spread(0x60, "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"),
    **_spread(0xA0, "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵"),
    **_spread(0xC0, "ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓"),
    **_spread(0xE0, "◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ 〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"),
}
# what the glyphs of Symbol mean where MuPDF knows it; other letters of Latin-1 are keys
_LATIN_IN_SYMBOL = frozenset("\t\n\r !#%&()+,./0123456789:;<=>?[]_{|}\u00a0¬®©°±\u00b5×÷")

_PICTURES: dict[Family | None, dict[int, str]] = {
    "wingdings": {
        **_spread(0x22, "✂✁"),
        0x28: "☎",
        0x29: "✆",
        0x2A: "✉",
        **_spread(0x3E, "✇✍"),
        **_spread(0x45, "☜☞☝☟"),
        **_spread(0x4A, "☺ ☹"),
        **_spread(0x51, "✈☼"),
        **_spread(0x58, "✠✡☪☯ ☸♈♉♊♋♌♍♎♏♐♑♒♓ &●❍■□❐❑❒⬧⧫◆❖⬥☒"),
        0x7A: "⌘",
        **_spread(0x7D, "❝❞"),
        **_spread(0x80, "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿"),
        **_spread(0x9E, "·•▪○"),
        **_spread(0xA4, "◉◎ ▪□ ✦★✶✴✹✵"),
        **_spread(0xB5, "✪✰"),
        0xD8: "➢",
        **_spread(0xDF, "←→↑↓↖↗↙↘⬅➔⬆⬇"),
        **_spread(0xEF, "⇦⇨⇧⇩"),
        **_spread(0xFB, "✗✓☒☑"),
    },
    "wingdings2": {**_spread(0x4F, "✗✓☒☑"), **_spread(0x53, "☒☒"), **_spread(0x96, "·•●"), 0xA3: "□", 0xA2: "■"},
    "wingdings3": {**_spread(0x66, "←→↑↓"), **_spread(0x70, "▲▼△▽◀▶◁▷"), 0x7D: "▶", 0x84: "▶"},
    "webdings": {0x34: "▶", 0x61: "✔", 0x63: "□", 0x67: "■", 0x6E: "●", 0x72: "✗", 0x3D: "■"},
}

_DINGBAT_EXCEPTIONS = {
    **_spread(0x25, "☎    ☛☞"),
    0x48: "★",
    0x6C: "●",
    0x6E: "■",
    **_spread(0x73, "▲▼◆ ◗"),
    **_spread(0xA8, "♣♦♥♠①②③④⑤⑥⑦⑧⑨⑩"),
    **_spread(0xD5, "→↔↕"),
}


def _find_dingbat(code: int) -> str | None:
    if code in _DINGBAT_EXCEPTIONS:
        return _DINGBAT_EXCEPTIONS[code]
    if 0x21 <= code <= 0x7E:
        return chr(0x2700 + code - 0x20)
    return chr(0x2700 + code - 0x40) if 0xA1 <= code <= 0xFE and code != 0xF0 else None


# the number in a glyph's name, of the frequent ones
_DINGBAT_NAMES = {
    **_spread(19, "✓✔✕✖✗✘"),
    35: "★",
    **_spread(71, "● ■❏❑▲▼◆❖ ◗"),
    **_spread(120, "①②③④⑤⑥⑦⑧⑨⑩❶❷❸❹❺❻❼❽❾❿"),
    161: "→",
}


def _list_adobe() -> dict[str, str]:
    """Adobe's corporate use of the private use area; a small capital is what is seen, a capital."""
    codes = {
        **{0xF730 + digit: str(digit) for digit in range(10)},
        **{0xF761 + at: letter for at, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")},
        **{0xF700 + code: chr(code - 0x20) for code in (*range(0xE0, 0xF7), *range(0xF8, 0xFF))},
        **{0xF721: "!", 0xF724: "$", 0xF726: "&", 0xF73F: "?", 0xF7A1: "¡", 0xF7A2: "¢", 0xF7BF: "¿", 0xF7FF: "Ÿ"},
        **{0xF6F9: "Ł", 0xF6FA: "Œ", 0xF6FD: "Š", 0xF6FF: "Ž", 0xF6DC: "1", 0xF6DE: "—"},
        **{0xF6E0: "¢", 0xF6E2: "⸴", 0xF6E4: "$", 0xF6E6: "⁻", 0xF6E8: "˙", 0xF6DF: "¢", 0xF6E3: "$", 0xF6E5: "₋"},
        **{0xF6D9: "©", 0xF6DA: "®", 0xF6DB: "™"},
        **_spread(0xF6E9, "ᵃᵇᵈᵉⁱˡᵐᵒʳˢᵗ"),
        **_spread(0xF8E5, "‾⏐⎯®©™⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪⎮⎞⎟⎠⎤⎥⎦⎫⎬⎭"),
    }
    del codes[0xF6E2], codes[0xF6E8]  # superior commas and periods: cents set high
    return {chr(code): meaning for code, meaning in codes.items()}


ADOBE = _list_adobe()
