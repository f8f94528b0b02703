"""How a document looks: page, fonts, sizes, spacing, rules and colours, drawn by seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from benchmarks.truth_factory.faces import SANS, SERIF, Face, Family, find_family, list_families

Color = tuple[float, float, float]
BLACK: Color = (0.0, 0.0, 0.0)
A4, LETTER = (595.3, 841.9), (612.0, 792.0)
_ACCENTS: tuple[Color, ...] = (
    (0.1, 0.25, 0.5),
    (0.0, 0.4, 0.35),
    (0.55, 0.1, 0.15),
    (0.2, 0.2, 0.2),
    (0.85, 0.4, 0.0),
)
_LIGHTS: tuple[Color, ...] = ((0.92, 0.92, 0.92), (0.88, 0.92, 0.97), (0.93, 0.96, 0.9), (0.98, 0.95, 0.88))


@dataclass(frozen=True)
class Style:
    """Everything a document looks like; drawn once a document."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    text: Family
    heads: Family
    size: float
    leading: float
    justified: bool
    indented: bool
    numbered: bool
    head_color: Color
    head_bold: bool
    accent: Color
    light: Color
    rule_width: float
    thin_boxes: bool
    """Whether upright rules are filled boxes, as word processors draw them, and not strokes."""
    word_by_word: bool
    """Whether each word is put in its place, as TeX does, and spaces are gaps and no letters."""
    box: str
    """How the page lies in its boxes: `plain`, `turned` by 90 degrees, or `cropped` to a part of what there is."""

    @property
    def line(self) -> float:
        return self.size * self.leading

    @property
    def body(self) -> Face:
        return self.text.regular

    @property
    def head(self) -> Face:
        return self.heads.bold if self.head_bold else self.heads.regular


def draw_style(draw: random.Random, language: str, *, slides: bool = False) -> Style:
    """As a word processor, TeX or a layout program would set it: headings in the text's fonts or in others'."""
    names = list_families(language)
    text = draw.choice([name for name in names if not slides or name in SANS])
    other = draw.choice([name for name in names if (name in SANS) != (text in SANS)])
    heads = text if draw.random() < 0.65 else other
    colored = draw.random() < 0.4
    accent = draw.choice(_ACCENTS)
    width, height = draw.choice([A4, A4, A4, LETTER])
    if slides:
        width, height = draw.choice([(720.0, 405.0), (960.0, 540.0), (720.0, 540.0)])
    margin = draw.uniform(48, 86)
    wide = 0.92 if text.startswith("DejaVu") else 1.0
    return Style(
        width=width,
        height=height,
        left=margin,
        right=margin if draw.random() < 0.7 else draw.uniform(48, 86),
        top=draw.uniform(56, 90),
        bottom=draw.uniform(60, 90),
        text=find_family(text),
        heads=find_family(heads),
        size=round(draw.choice([9, 9.5, 10, 10, 10.5, 11, 11, 12]) * wide, 1),
        leading=draw.choice([1.15, 1.2, 1.25, 1.35, 1.5]),
        justified=draw.random() < (0.6 if text in SERIF else 0.25),
        indented=draw.random() < 0.3,
        numbered=draw.random() < 0.45,
        head_color=accent if colored else BLACK,
        head_bold=draw.random() < 0.85,
        accent=accent,
        light=draw.choice(_LIGHTS),
        rule_width=draw.choice([0.4, 0.5, 0.75, 1.0]),
        thin_boxes=draw.random() < 0.35,
        word_by_word=draw.random() < 0.3,
        box=draw.choices(["plain", "turned", "cropped"], [0.92, 0.04, 0.04])[0],
    )
