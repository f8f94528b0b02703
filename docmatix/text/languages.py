"""The language of a text, and whether a question is in the language of its document.

Identifiers err on short texts, so `is_in_language` says False only if it is sure (`docs/design/text.md`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

MAX_CHARS = 10_000  # of a text that are examined: 2 to 20 ms
MIN_LETTER_BYTES = 12  # in UTF-8, since four Chinese characters say as much as twelve Latin letters

# languages that one sentence does not distinguish
_TWINS = tuple(frozenset(codes.split()) for codes in ("no nn da", "hr bs sr", "id ms", "cs sk", "gl pt", "be uk ru"))


@cache
def _load_identifier() -> Any:
    """py3langid's model, which takes a second to unpack; one per process."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # its other labels include Nigerian Pidgin and Picard, which claim short English and French texts
    identifier.set_languages([label for label in identifier.labels if len(label) == 2])
    return identifier


def detect_language(text: str, *, min_confidence: float = 0.5) -> str | None:
    """The language of a text (ISO 639-1); None if it is too short or too mixed."""
    # prose scores 0.94 or more; pages of numbers, names and code at most 0.46
    text = text[:MAX_CHARS]
    letters = "".join(filter(str.isalpha, text))
    if len(letters.encode(errors="replace")) < MIN_LETTER_BYTES:
        return None
    language, confidence = _load_identifier().classify(text)
    return str(language) if confidence >= min_confidence else None


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
