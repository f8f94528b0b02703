"""Terms: the stems that an answer is compared with a page by, where it is not printed as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import zip_longest

from docmatix.text.pieces import SPACELESS_START, split_pieces

MAX_ANSWER_CHARS = 5_000
"""Of a longer answer only the beginning is looked at; filters drop answers past 1,200 characters by default."""

_COMMON = """
    a about after all also an and any are as at be been being both but by can could did do does each either for from
    had has have he her here his how i if in into is it its may more most must neither nor not of off on one or other
    our out over own s she should so some such t than that the their them then there these they this those through to
    too under until up us very was we were what when where which while who whom whose why will with within without
    would you your yes no true false according answer document mentioned mentions page passage provided states stated
    text
    der die das den dem des ein eine einer eines einem einen und oder ist sind war im am zu zur zum von vom mit auf für
    bei nach aus als auch nicht es sich wird werden ja nein
    le la les un une des du de et ou est sont dans en au aux par pour sur avec ce cette ces qui que il elle se oui non
    el los las una unos unas y e o es son del al por para con su sus lo como sí si
    il lo gli i uno di da nel nella della dei delle che è per ed
    os um uma do da dos das no na nos nas em ao à com sim não
    het een van op met voor niet zijn te dat
"""
FUNCTION_WORDS = frozenset(_COMMON.split())
"""The most common words of seven languages, and what answers say about the page they answer from."""
_CONTENTLESS = """
    yes no true false none na nil oui non vrai faux ja nein sí si sim não tak nie да нет हाँ नहीं はい いいえ
    是 否 是的 不是 没有 예 아니요 نعم لا
"""
_UNCOMPUTABLE = frozenset(_CONTENTLESS.split())


def stem_piece(piece: str) -> str:
    """A piece without a final s, cut to six letters; numbers stay whole. Truncation is a stemmer for any language."""
    if piece[0].isdigit():
        return piece
    return (piece[:-1] if len(piece) > 3 and piece.endswith("s") else piece)[:6]


def list_terms(pieces: Sequence[str]) -> list[str]:
    """One term for each piece: its stem; in scripts without spaces the character with the next one."""
    terms = []
    for piece, after in zip_longest(pieces, pieces[1:], fillvalue=""):
        if not SPACELESS_START.match(piece):
            terms.append(stem_piece(piece))
        elif after and SPACELESS_START.match(after):
            terms.append(piece + after)
        else:
            terms.append(piece)
    return terms


@lru_cache(maxsize=4096)
def content_terms(text: str) -> tuple[str, ...]:
    """The distinct terms of a text that are not function words, in order; all of them if there are only such."""
    pieces = split_pieces(text)
    terms = list_terms(pieces)
    telling = [
        term
        for place, (piece, term) in enumerate(zip(pieces, terms, strict=True))
        # the last character of a spaceless run is already the second half of a pair
        if piece not in FUNCTION_WORDS
        and not (term == piece and place and SPACELESS_START.match(term) and terms[place - 1].endswith(term))
    ]
    return tuple(dict.fromkeys(telling or terms))


def has_content(answer: str) -> bool:
    """Whether there is something to look for: letters or digits, and not just a yes or no."""
    pieces = split_pieces(answer[:MAX_ANSWER_CHARS])
    return bool(pieces) and "".join(pieces) not in _UNCOMPUTABLE
