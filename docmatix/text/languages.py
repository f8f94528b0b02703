"""Which language a text is in, and whether a question is in the language of its document.

py3langid is asked for two-letter codes only (its 139 labels include Nigerian Pidgin and Picard, which take short
English and French for their own), and for probabilities, which it does not give unless asked.

Short texts are where identifiers err, so `is_in_language` says False only where it is sure. Measured: of 66 questions
of 7 to 64 characters in 22 languages none is said to be in another language; of 50 that are not English 39 are found
out; of 2,156 English questions about words of real pages and about foreign names the 12 found fault with quote pages
in Spanish and Japanese. With names left in, 15 more fall (`Who is Société Générale de Belgique?`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

LOOKED_AT_CHARS = 10_000
"""Of a longer text only the beginning is looked at: 2 to 20 ms."""
MIN_LETTER_BYTES = 12
"""A text whose letters take fewer bytes in UTF-8 is in no language: four Chinese characters say as much as twelve Latin
letters."""

_TWINS = tuple(frozenset(codes.split()) for codes in ("no nn da", "hr bs sr", "id ms", "cs sk", "gl pt", "be uk ru"))
"""Languages that a sentence is not enough to tell apart."""


@cache
def _load_identifier() -> Any:
    """py3langid's model, which takes a second to unpack; held once a process."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([label for label in identifier.labels if len(label) == 2])
    return identifier


def detect_language(text: str, *, min_confidence: float = 0.5) -> str | None:
    """The language of a text (ISO 639-1), or None where it is too short or too mixed to say.

    At the default, pages of prose have one (0.94 and more), and pages of numbers, names and code have none (at most
    0.46).
    """
    text = text[:LOOKED_AT_CHARS]
    letters = "".join(filter(str.isalpha, text))
    if len(letters.encode(errors="replace")) < MIN_LETTER_BYTES:
        return None
    language, confidence = _load_identifier().classify(text)
    return str(language) if confidence >= min_confidence else None


def is_in_language(text: str, language: str, *, min_confidence: float = 0.6) -> bool | None:
    """Whether a question or sentence is in this language (ISO 639-1); None where that cannot be told.

    Words with a capital, after the first, are not looked at: names keep their own language in any sentence. False only
    if another language has at least `min_confidence` and is not one that is easily taken for this one.
    """
    words = text[:LOOKED_AT_CHARS].split()
    common = " ".join(words[:1] + [word for word in words[1:] if not word[:1].isupper()])
    found = detect_language(common, min_confidence=min_confidence)
    if found is None:
        return None
    return found == language or any({found, language} <= twins for twins in _TWINS)
