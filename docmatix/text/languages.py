"""The language of a text, and whether a question is in the language of its document.

Identifiers err on short texts and on tables, so that rare languages need far more evidence than common ones, and
`is_in_language` says False only if it is sure (`docs/design/text.md`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

MAX_CHARS = 10_000  # of a text that are examined: 2 to 20 ms
MIN_LETTER_BYTES = 12  # in UTF-8, since four Chinese characters say as much as twelve Latin letters

# those of nearly all documents; tables of English words and numbers may look like any other language
_COMMON = frozenset(
    "ar bg bn ca cs da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv ml mr ms nl no pl pt ro ru sk sl sr "
    "sv ta te th tr uk ur vi zh".split()
)
_RARE_PRIOR = 0.02  # of any other language, as against a common one
_MIN_SHARE = 0.3

# languages that one sentence does not distinguish
_TWINS = tuple(frozenset(codes.split()) for codes in ("no nn da", "hr bs sr", "id ms", "cs sk", "gl pt", "be uk ru"))

_SLICES = 5  # of a long text
_SLICE_CHARS = MAX_CHARS // _SLICES


@cache
def _load_identifier() -> Any:
    """py3langid's model, which takes a second to unpack; one per process."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # its other labels include Nigerian Pidgin and Picard, which claim short English and French texts; nobody writes
    # PDFs in Volapük, which claims tables of abbreviations
    identifier.set_languages([label for label in identifier.labels if len(label) == 2 and label != "vo"])
    return identifier


def detect_language(text: str, *, min_confidence: float = 0.5) -> str | None:
    """The language of a text (ISO 639-1); None if it is too short or too mixed."""
    # prose scores 0.94 or more; pages of numbers, names and code at most 0.46
    shares = _rank(text)
    if not shares:
        return None
    weights = {name: share * (1 if name in _COMMON else _RARE_PRIOR) for name, share in shares}
    language = max(weights, key=weights.__getitem__)
    likeliest, share = shares[0]
    if language != likeliest:
        # a rare language is not believed, but a common one has to explain the text itself
        share = weights[language] / sum(weights.values()) if dict(shares)[language] >= _MIN_SHARE else 0.0
    return language if share >= min_confidence else None


def identify_language(text: str, *, min_confidence: float) -> str | None:
    """The language that a text's letters fit best, however rare it is."""
    shares = _rank(text)
    return shares[0][0] if shares and shares[0][1] >= min_confidence else None


def detect_main_language(text: str) -> str | None:
    """The language of a whole document; None if a third of it is in another one, or if it is too mixed to tell."""
    if len(text) <= MAX_CHARS:
        return detect_language(text)
    step = (len(text) - _SLICE_CHARS) // (_SLICES - 1)
    slices = [text[start : start + _SLICE_CHARS] for start in range(0, step * _SLICES, step)]
    language = detect_language("\n".join(slices))
    others = [found for part in slices if (found := detect_language(part, min_confidence=0.9)) not in (None, language)]
    return None if len(others) * 3 > _SLICES else language


def is_in_language(text: str, language: str, *, min_confidence: float = 0.6) -> bool | None:
    """Whether a question or sentence is in this language (ISO 639-1); None if that is unclear. False only if a language
    that is not easily confused with it scores `min_confidence`. Capitalised words after the first are ignored, since
    names keep their own language in any sentence."""
    words = text[:MAX_CHARS].split()
    common = " ".join(words[:1] + [word for word in words[1:] if not word[:1].isupper()])
    found = detect_language(common, min_confidence=min_confidence)
    if found is None:
        return None
    return found == language or any({found, language} <= twins for twins in _TWINS)


def reads_english(text: str) -> bool | None:
    """Whether a page's own words are English, from the words that every sentence needs; None where it has too few."""
    words = text[:MAX_CHARS].lower().split()
    english, foreign = (sum(map(known.__contains__, words)) for known in (_ENGLISH, _FOREIGN))
    if max(english, foreign) < max(_MIN_FUNCTION_WORDS, 0.05 * len(words)):
        return None
    return english > foreign if max(english, foreign) > 2 * min(english, foreign) else None


_MIN_FUNCTION_WORDS = 8
_ENGLISH = frozenset("the and of to for with that this from by are which have has been were their would should".split())
_FOREIGN = frozenset(
    "der die das und ist nicht mit den von ein eine für auf des le la les et du dans pour que qui sur une est el los "
    "las del por una con y en il che della di per è non o os da do em uma não para com het een van voor niet zijn te "
    "i na się nie że og det til som på är och att ve bir bu için dan yang untuk".split()
)


def _rank(text: str) -> list[tuple[str, float]]:
    """All languages with their probabilities, the likeliest first; empty for a text that is too short."""
    text = text[:MAX_CHARS]
    if not any(
        len("".join(filter(str.isalpha, part)).encode(errors="replace")) >= MIN_LETTER_BYTES
        for part in (text[:100], text)  # most texts have as many in their first words
    ):
        return []
    ranked: list[tuple[str, float]] = _load_identifier().rank(text)
    return ranked
