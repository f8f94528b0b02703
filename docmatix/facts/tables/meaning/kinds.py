"""What kind of thing a cell says: a number, a period, a date, a unit, a word, or nothing. In eight languages."""

from __future__ import annotations

import re
from functools import lru_cache

from docmatix.text.numbers import CURRENCY, UNITS

_EMPTY = frozenset(
    ": n/a n.a. n.a n/d n.d. n.d na n.v. k.a. k.a nil none null tbd s.o. s/o n.b. n.r. b.d. nd bd x . .. ... … ./. "
    "-/- --- -- - – — ―".split()
)
_MONTHS = (
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec januar jänner februar märz mai juni juli oktober dezember mär okt dez janvier février mars "
    "avril juin juillet août septembre octobre novembre décembre janv févr avr juil déc enero febrero marzo abril mayo "
    "junio julio agosto septiembre octubre noviembre diciembre ene abr ago dic gennaio febbraio aprile maggio giugno "
    "luglio settembre ottobre dicembre gen mag giu lug set ott janeiro fevereiro março maio junho julho setembro "
    "outubro novembro dezembro fev out januari februari maart mei augustus mrt styczeń luty marzec kwiecień maj "
    "czerwiec lipiec sierpień wrzesień październik listopad grudzień stycznia lutego marca kwietnia maja czerwca lipca "
    "sierpnia września października listopada grudnia sty lut kwi cze lip sie wrz paź lis gru"
)
_MONTH = rf"(?:{'|'.join(sorted(set(_MONTHS.split()), key=lambda name: (-len(name), name)))})\b\.?"
_YEAR = r"(?:1[5-9]|20|21)\d\d"
_SPAN = rf"(?:{_YEAR}|\d\d)(?:/\d{{2,4}}|\s?[-–]\s?(?:{_YEAR}|\d\d))?"
_ONE_PERIOD = (
    rf"(?:(?:fy|cy|gj|ex\.?|year|jahr|année|año|anno|ano|jaar|rok)\s?)?{_YEAR}(?:/\d{{2,4}}|\s?[-–]\s?(?:{_YEAR}|\d\d))?"
    rf"(?:\s?[aebfpr]|\s?\*+|\s?\([\w ]{{1,12}}\)|\s(?:r\.|rok))?"
    rf"|(?:fy|cy)\s?['’]?{_SPAN}"
    rf"|(?:[qthks][1-4]|[1-4][qthks]|[1-4](?:\.|st|nd|rd|th|er|ère|e|º|ª|o)?\s?(?:quartal|kwartaal|trimestre|quarter|kwartał|kw\.?|tr\.?|qtr\.?)|"
    rf"(?:iv|i{{1,3}}) ?(?:quarter|trimestre|kwartał|kw\.?|tr\.?)|[12]?h[12]|[12]h)(?:[ /'’-]{{0,2}}(?:{_YEAR}|\d\d))?"
    rf"|{_MONTH}(?:\s?[-–/]\s?{_MONTH})?(?:[\s/.-]{{1,2}}(?:de\s)?['’]?{_SPAN})?"
)
_PERIOD = re.compile(
    rf"(?:{_ONE_PERIOD})(?:\s?(?:[-–—]|to|bis|à|a|al|até|tot|do)\s?(?:{_ONE_PERIOD}))?\s?[*†‡]*", re.IGNORECASE
)
_DATE = re.compile(
    rf"\d{{4}}-\d\d-\d\d|\d{{1,2}}[./-]\d{{1,2}}[./-](?:\d{{4}}|\d\d)|\d{{1,2}}\.\s?\d{{1,2}}\."
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.|er|º)?[ -](?:de )?{_MONTH}(?:,?[ -](?:de )?(?:{_YEAR}|\d\d))?"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? {_YEAR})?",
    re.IGNORECASE,
)
_MAGNITUDE = (
    r"(?:thousands?|millions?|billions?|mn|mln|mio\.?|mrd\.?|bn|bln|k|m|tausend|tsd\.?|millionen|milliarden|milliers|"
    r"milliards?|miles|millones|migliaia|milioni|miliardi|milhares|milhões|mil|duizend(?:en)?|miljoen(?:en)?|miljard|"
    r"tysi(?:ąc|ące|ący|ącach)|tys\.?|milion(?:y|ów|ach)|mln\.?|mld\.?|miliard(?:y|ów|ach)|000s?|['’]000s?|1[.,  ]?000)"
)
_MONEY = (
    rf"(?:(?:us|u\.s\.) ?)?(?:{CURRENCY}|\b(?:us )?(?:dollars?|dólares|dollari|euros?|euro['’]s|pounds?|francs?|"
    rf"franken|złotych|złote|zł|pln|reais|yen|teur|keur|meur|tchf)\b|[tkm]€|€|r\$)"
)
_OF = r"(?: (?:of|de|di|d['’]|von|van|in|x))? ?"
_PERCENT = (
    r"(?:%|‰|per ?cent|percent(?:age)?s?|prozent|pourcentages?|pour cent|por ciento|por cento|per cento|porcentaje|"
    r"percentuale|percentagem|procent\w{0,4})"
)
_MEASURE = (
    rf"(?:{UNITS}|km²?|sq\.? ?(?:m|ft|km)|hours?|days?|years?|months?|minutes?|min|h|s|stunden|tage|jahre|heures?|"
    r"jours?|horas?|días?|ore|giorni|anni|dias|anos|uren|dagen|jaar|godz\.?|dni|lat|tonnes?|tons?|tonnen|toneladas?|"
    r"tonnellate|t|st\.?|stk\.?|stück|pcs?\.?|units?|unités|unidades|unità|szt\.?|stuks?)"
)
_AMOUNT = rf"(?:{_MAGNITUDE}{_OF}{_MONEY}|{_MONEY}{_OF}{_MAGNITUDE}|{_MONEY}|{_MAGNITUDE})"
_LEAD = (
    r"(?:(?:all |alle |tous les )?(?:amounts?|figures|values|numbers|angaben|beträge|werte|montants|chiffres|valeurs|"
    r"importes|cifras|importi|valori|valores|bedragen|cijfers|dane|kwoty)"
    r"(?: are| is| sind| sont| son| sono| são| zijn)? |"
    r"(?:expressed|stated|shown|unit|einheit|unité|unidad|unità|unidade|eenheid|jednostka|jedn\.?):? )*"
    r"(?:(?:in|en|em|w|à|x|je|per) )?(?:the |x )?"
)
_UNIT = re.compile(
    rf"{_LEAD}(?P<unit>{_AMOUNT}|{_PERCENT}|{_MEASURE}(?:/{_MEASURE})?)(?: ?(?:per|pro|par|por|/) ?\w+)?", re.IGNORECASE
)
_SIGN = r"[-–−+±<>≤≥~≈(\[]"
_DIGITS = r"(?:\d{1,3}(?:[ \u00a0\u2007\u2009\u202f]\d{3})+(?!\d)(?:[.,]\d+)?|\d[\d.,'’]*)"
_MARK = r"(?: ?(?:[*†‡§¶#]+|[¹²³⁰⁴-⁹ᵃ-ᶻ]+|\[\w{1,2}\]|\([a-z\d]\)|\d?\)|[a-z]\)))?"
_NUMBER = re.compile(
    rf"(?:{CURRENCY} ?)?{_SIGN}{{0,2}} ?(?:{CURRENCY} ?)?(?:{_DIGITS}|[.,]\d+)(?: ?[¼-¾⅐-⅞]| ?\d/\d)?(?:,?[-–—])?"
    rf" ?(?:{CURRENCY}|{_PERCENT}|[xX×])?[)\]]?(?: ?(?:{CURRENCY}|{_PERCENT}|cr\.?|dr\.?))?{_MARK}"
    rf"|(?:{CURRENCY}|[(]|EUR)* ?[-–—]+ ?(?:{CURRENCY}|%)?[)]?",
    re.IGNORECASE,
)
_MEASURED = re.compile(rf"{_SIGN}? ?{_DIGITS} ?(?:{_MEASURE}|{_AMOUNT})\.?", re.IGNORECASE)
_PAIR = re.compile(rf"{_SIGN}? ?{_DIGITS} ?%? ?[(\[]{_SIGN}? ?{_DIGITS} ?%?[)\]]|{_DIGITS} ?[x×·] ?10\S*")
_RANGE = re.compile(
    rf"{_SIGN}{{0,2}} ?{_DIGITS} ?(?:[-–/:x×±…]|\.{{2,3}}|to|bis|à|a|tot|do) ?{_SIGN}?{_DIGITS} ?"
    rf"(?:%|{_MEASURE})?[)\]]?",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?=\S*\d)(?=\S*[^\W\d_])\S+")

BLANK, NUMBER, PERIOD, DATE, UNIT, CODE, TEXT = "blank", "number", "period", "date", "unit", "code", "text"


@lru_cache(maxsize=8192)
def find_kind(text: str) -> str:
    """`blank` (nothing, or what says so), `number`, `period` (a year, a quarter, a month), `date`, `unit`, `code`
    (one word of letters and digits), or `text`."""
    if not text or is_empty(text):
        return BLANK
    if len(text) > 60:
        return TEXT
    if _PERIOD.fullmatch(text):
        return PERIOD
    if _DATE.fullmatch(text):
        return DATE
    if _NUMBER.fullmatch(text):
        return NUMBER
    if find_unit(text):
        return UNIT
    if _MEASURED.fullmatch(text) or _RANGE.fullmatch(text) or _PAIR.fullmatch(text):
        return NUMBER
    return CODE if _CODE.fullmatch(text) else TEXT if any(map(str.isalpha, text)) else CODE


def is_empty(text: str) -> bool:
    """Whether a cell says that there is nothing: a dash, dots, `n/a`."""
    if text.isalnum():
        return text.casefold() in _EMPTY and text != "x"
    return text.casefold() in _EMPTY or not text.strip("-–—―.…·•_ ()")


# `unit: yuan` in Chinese
_LABELLED = re.compile(r"(?:金额)?单位\s?[:：]\s?(\S{1,12})")


def find_unit(text: str) -> str:
    """The unit that a text says and nothing else, with or without brackets: `EUR million` of `(in EUR million)`; ``""``
    if it says something else."""
    inner = text.strip()
    if inner[:1] in "([" and inner[-1:] in ")]" and len(inner) > 2:
        inner = inner[1:-1].strip()
    if labelled := _LABELLED.fullmatch(inner):
        return labelled[1]
    found = _UNIT.fullmatch(inner.rstrip(":.;,")) or _UNIT.fullmatch(inner)
    if found is None:
        return ""
    return inner[found.start("unit") :].strip()


def is_plain_word(unit: str) -> bool:
    """Whether a unit may as well be a name, where it stands alone: `Years`, `Units`."""
    return unit.isalpha() and len(unit) > 3 and re.fullmatch(_AMOUNT, unit, re.IGNORECASE) is None


def is_wordy(text: str) -> bool:
    """Whether a text is mostly letters."""
    letters = sum(map(str.isalpha, text))
    return letters > 1 and 2 * letters >= len(text) - text.count(" ")
