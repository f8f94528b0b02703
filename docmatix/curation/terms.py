"""Terms: the stems that an answer is compared with a page by, where it is not printed as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from docmatix.core.documents import UNKNOWN
from docmatix.text.pieces import SPACELESS_START, CutWords, cut_words, is_number, split_pieces

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
NEGATION = "=not"
"""The term of every word that denies."""
_NEGATIONS = frozenset(
    "no not never none nor neither without cannot nicht kein keine keinen keiner keines keinem nie ohne pas jamais "
    "sans aucun aucune non senza nessun nessuna não sem nunca ni sin ningún ninguna niet geen nooit zonder".split()
)
_AFTER_N = frozenset(
    "isn aren wasn weren don doesn didn won wouldn can couldn shan shouldn hasn haven hadn mustn".split()
)
_MONTHS = {
    form: "=" + forms.split()[0]
    for forms in (
        "jan january januar januari janvier enero gennaio janeiro",
        "feb february februar februari février febrero febbraio fevereiro",
        "mar march märz maart mars marzo março",
        "apr april avril abril aprile",
        "may mai mei mayo maggio maio",
        "jun june juni juin junio giugno junho",
        "jul july juli juillet julio luglio julho",
        "aug august augustus août agosto",
        "sep sept september septembre septiembre settembre setembro",
        "oct october oktober octobre octubre ottobre outubro",
        "nov november novembre noviembre novembro",
        "dec december dezember décembre diciembre dicembre dezembro",
    )
    for form in forms.split()
    if form not in ("may", "mar")
}
NAMES = frozenset({"may", "will"})
"""Function words that are names with a capital alone; the others have to be in capitals throughout."""
# capitals that only stress a word, or begin a title
_STRESSED = frozenset(
    "and or not no yes all any must only the a an of to if more most both each either this that".split()
)

_COUNTED = "two three four five six seven eight nine ten eleven twelve".split()


@lru_cache(maxsize=16384)
def stem_piece(piece: str) -> str:
    """A piece without a final s, cut to six letters; numbers stay whole, months have one form. Truncation is a stemmer
    for any language."""
    if is_number(piece):
        return piece
    if piece in _MONTHS:
        return _MONTHS[piece]
    return (piece[:-1] if len(piece) > 3 and piece.endswith("s") else piece)[:6]


def is_exact(term: str) -> bool:
    """Whether a term must stand where the answer is: a number, a month, a name spelled like a function word (`US`,
    `May`), a negation."""
    return term[0] == "=" or is_number(term)


def list_terms(words: Sequence[str], cut: CutWords) -> tuple[list[str], dict[int, int]]:
    """One term for each piece: its stem; in scripts without spaces the character with the next one; `""` for pieces
    that go on with a number, which is one term where it begins. And the last piece of each such number."""
    pieces, terms, last = cut.pieces, [""] * len(cut.pieces), dict[int, int]()
    bound = [*cut.bound, False]
    for place, piece in enumerate(pieces):
        if bound[place]:
            continue
        if bound[place + 1]:
            end = place + 1
            while bound[end + 1]:
                end += 1
            terms[place] = _join_number(cut, place, end)
            last[place] = end
        elif not piece.isascii() and SPACELESS_START.match(piece):
            after = pieces[place + 1] if place + 1 < len(pieces) else ""
            terms[place] = piece + after if after and SPACELESS_START.match(after) else piece
        elif (piece in _NEGATIONS or piece == "t") and _denies(pieces, place):
            terms[place] = NEGATION
        elif piece in _HALVES and place and pieces[place - 1][0].isdigit():
            terms[place] = "=" + piece
        elif (
            piece in {"a", "p"} and pieces[place + 1 : place + 2] == ["m"] and place and pieces[place - 1][0].isdigit()
        ):
            terms[place], last[place] = f"={piece}m", place + 1
            bound[place + 1] = True
        else:
            terms[place] = stem_piece(piece)
    starts = {end: place for place, end in last.items()}
    for end, magnitude in cut.magnitudes.items():
        terms[starts.get(end, end)] += TIMES + magnitude
    return terms, last


_HALVES = frozenset({"am", "pm"})
"""Of a day, behind a number: `9 am`, and `9 a.m.`"""


COUNTS = {stem_piece(word): str(number) for number, word in enumerate(_COUNTED, 2)}
"""The terms of numbers in words, with those of their digits: `three cats` on a page are the `3 cats` of an answer."""


def _denies(pieces: Sequence[str], place: int) -> bool:
    if pieces[place] == "no":
        return not "".join(pieces[place + 1 : place + 2]).isdigit()  # "No. 5"
    return pieces[place] in _NEGATIONS or (pieces[place] == "t" and place > 0 and pieces[place - 1] in _AFTER_N)


TIMES = "*"
"""Between a number and its magnitude: `4.5*million`."""


def _join_number(cut: CutWords, first: int, last: int) -> str:
    if UNKNOWN in cut.pieces[first : last + 1]:
        return UNKNOWN
    term = cut.pieces[first]
    for place in range(first + 1, last + 1):
        piece = cut.pieces[place]
        close = cut.glued[place] or piece[0] == "^" or cut.pieces[place - 1] == "\N{MINUS SIGN}"
        term += piece if close else "+" + piece
    return term


@lru_cache(maxsize=4096)
def content_terms(text: str) -> tuple[str, ...]:
    """The distinct terms of a text that are not function words, in order; all of them if there are only such. A
    function word in capitals, or `May` and `Will` inside a sentence or beside a number, is a name: `=us`, `=may`."""
    words = text.split()
    cut = cut_words(words)
    terms, _ = list_terms(words, cut)
    shouted = len(words) > 2 and text.isupper()
    telling: list[str] = []
    for place, (piece, term) in enumerate(zip(cut.pieces, terms, strict=True)):
        if not term or place - 1 in cut.magnitudes:
            continue  # a part of the number's term
        if term == NEGATION:
            # "No, the tenant pays": an answer, not a negation
            if piece != "no" or cut.owners[place] or words[0][-1] not in ",.;:!":
                telling.append(term)
        elif term[0] == "=" or piece not in FUNCTION_WORDS:
            # the last character of a spaceless run is already the second half of a pair
            second = term == piece and place and SPACELESS_START.match(term) and terms[place - 1].endswith(term)
            if not second:
                telling.append(term)
        elif not shouted and _is_name(words, cut.owners[place], piece):
            telling.append("=" + piece)
    return tuple(dict.fromkeys(telling or filter(None, terms)))


def _is_name(words: Sequence[str], place: int, piece: str) -> bool:
    word = words[place].strip(".,;:!?()[]\"'“”‘’")
    if len(word) > 1 and word.isupper():
        return piece not in _STRESSED
    if piece not in NAMES or not word[:1].isupper():
        return False
    opens = place == 0 or words[place - 1][-1] in ".!?:"
    after = words[place + 1] if place + 1 < len(words) else ""
    return not opens or after[:1].isdigit() or (piece == "will" and after[:1].isupper()) or len(words) == 1


def has_content(answer: str) -> bool:
    """Whether there is something to look for: letters or digits, and not just a yes or no."""
    pieces = split_pieces(answer[:MAX_ANSWER_CHARS].replace(UNKNOWN, ""))
    return bool(pieces) and "".join(pieces) not in _UNCOMPUTABLE
