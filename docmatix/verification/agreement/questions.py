"""What a question asks for, as far as it says how its answers are to be compared."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from docmatix.verification.agreement.numerals import MAGNITUDES
from docmatix.verification.agreement.spelling import clean, cut_tokens, fold
from docmatix.verification.agreement.vocabulary import FUNCTION


class Asked(NamedTuple):
    """What a question asks for. `scale` is the magnitude that it names (`in millions of euros`); `words`, its own."""

    kind: str
    scale: float
    words: frozenset[str]
    years: frozenset[int]
    place: bool


_KINDS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            "code",
            r"\b(?:id|code|postcode|zip|isbn|issn|doi|phone|telephone|fax|telefon\w*|telefono|telephone|"
            r"account number|serial|"
            r"(?:invoice|order|article|item|part|model|reference|registration|page|section|chapter|account|case|"
            r"file|contract|"
            r"patent|licen[cs]e|ticket|room|table|figure|version|policy|customer|document|tax|vat|"
            r"bates) (?:number|no|nr|code|id)|"
            r"(?:what|which) (?:page|section|chapter|article|version|paragraph|figure|table|room|clause|number is)|"
            r"(?:rechnungs|artikel|bestell|kunden|konto|seiten)nummer|postleitzahl|welche[rsmn]? (?:seite|"
            r"abschnitt|kapitel)|"
            r"numero de (?:telephone|telefono|factura|facture|pagina|page|serie)|code postal|codigo postal|"
            r"quelle page|que pagina)\b",
        ),
        (
            "year",
            r"\b(?:(?:what|which|in what|in which) (?:calendar |fiscal |financial )?years?|welche[smn]? jahr\w*|"
            r"quelle annee|que ano|en que ano|che anno|quale anno|em que ano|welk jaar|ktorym roku|каком году)\b|"
            r"哪一?年|何年",
        ),
        ("month", r"\b(?:which|what) months?\b|\bwelche[mnr]? monat\b|\bquel mois\b|\bque mes\b|\bche mese\b"),
        ("day", r"\b(?:which|what) (?:day|date)s?\b.*\b(?:1[5-9]|20|21)\d\d\b|\bon what day\b"),
        (
            "share",
            r"\b(?:percent\w*|per cent|share|proportion|fraction|prozent\w*|anteil|pourcentage|porcentaje|"
            r"percentuale|"
            r"percentagem|porcentagem|rate)\b|百分",
        ),
        ("ratio", r"\b(?:ratio|scale|verhaltnis|massstab|rapport|proporcion)\b"),
        (
            "count",
            r"\b(?:how many|number of|wie ?viele|anzahl|combien de|nombre de|cuant[oa]s|numero de|quant[ie]|"
            r"quant[oa]s|hoeveel|"
            r"ile|сколько)\b|多少|几个|いくつ|何人|몇",
        ),
        (
            "amount",
            r"\b(?:how (?:much|long|far|high|old|large|big|tall|heavy|deep|wide|fast)|amount|total|revenue|price|"
            r"cost|value|sum|"
            r"average|income|profit|loss|sales|budget|population|weight|height|length|area|volume|size|salary|"
            r"wie (?:viel|hoch|lang|gross|schwer|weit|alt)|betrag|umsatz|preis|kosten|combien|montant|prix|cuanto|"
            r"importe|precio|"
            r"quanto|importo|prezzo|valor|valore)\b",
        ),
    )
)
_SCALE = re.compile(
    r"\b(?:in|en|em|how many|wie viele|combien de|cuantos|quanti|quantos|"
    r"hoeveel) (?:[^\W\d_]+ )?(?P<word>thousands?|millions?|"
    r"billions?|tausend|millionen|milliarden|milliers|millones|milioni|milhoes|miljoen|miles|lakhs?|crores?|mio|"
    r"mrd|tsd)\b"
    r"|\((?:in )?(?:[^\W\d_]+ |[$€£] ?)?(?P<sign>thousands?|millions?|billions?|mio|mrd|tsd|m|bn|k|"
    r"000s?)\.?(?: ?[$€£])?\)"
)
_SCALES = {"milliers": 1e3, "miles": 1e3, "m": 1e6, "k": 1e3, "000": 1e3, "000s": 1e3}
_PLACE = re.compile(
    r"\b(?:where|city|town|place|location|located|headquarter\w*|wo|stadt|ort|ou|ville|donde|ciudad|dove|citta)\b"
)
_YEARS = re.compile(r"\b(?:1[5-9]|20|21)\d\d\b")
_NOTHING = Asked("", 1.0, frozenset(), frozenset(), False)


@lru_cache(maxsize=4096)
def read_question(question: str) -> Asked:
    """What a question asks for; ``""`` asks for nothing."""
    if not question:
        return _NOTHING
    folded = fold(clean(question))
    kind = next((kind for kind, pattern in _KINDS if pattern.search(folded)), "")
    found = _SCALE.search(folded)
    word = (found["word"] or found["sign"]) if found else ""
    scale = _SCALES.get(word) or MAGNITUDES.get(word) or MAGNITUDES.get(word.removesuffix("s")) or 1.0
    words = frozenset(token.folded for token in cut_tokens(folded) if token.kind in ("word", "code")) - FUNCTION
    years = frozenset(int(year) for year in _YEARS.findall(folded))
    return Asked(kind, scale, words, years, _PLACE.search(folded) is not None)
