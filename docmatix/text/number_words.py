"""Words that are numbers, in English and nine other languages, for those who must not overlook one.

Covered are cardinals (English also ordinals, fractions and multiples) with what they are joined to (`thirty-five`,
`fünfunddreißig`), and magnitudes. Not covered are words that are articles as well (`ein`, `un`), and inflected forms
in Polish and Russian. A word of two languages, such as `once`, counts in each.
"""

from __future__ import annotations

import re
import unicodedata

from docmatix.text.numbers import MAGNITUDES
from docmatix.text.short_texts import keep_short

_BY_LANGUAGE = {
    "en": """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds
        thousand thousands million billion trillion dozen dozens nil none once twice thrice single double triple
        quadruple half halves quarter quarters third thirds first second fourth fifth sixth seventh eighth ninth tenth
        eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
        thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth hundredth thousandth""",
    "fr": """zéro deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt vingts
        trente quarante cinquante soixante septante huitante nonante cent cents mille douzaine""",
    "es": """cero dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete
        dieciocho diecinueve veinte veintiuno veintiún veintiuna veintidós veintitrés veinticuatro veinticinco
        veintiséis veintisiete veintiocho veintinueve treinta cuarenta cincuenta sesenta setenta ochenta noventa cien
        ciento doscientos doscientas trescientos trescientas cuatrocientos cuatrocientas quinientos quinientas
        seiscientos seiscientas setecientos setecientas ochocientos ochocientas novecientos novecientas mil docena""",
    "pt": """dois duas três quatro cinco seis sete oito nove dez onze doze treze quatorze catorze quinze dezesseis
        dezasseis dezessete dezassete dezoito dezenove dezanove vinte trinta quarenta cinquenta sessenta setenta
        oitenta noventa cem cento duzentos duzentas trezentos trezentas quatrocentos quatrocentas quinhentos
        quinhentas seiscentos seiscentas setecentos setecentas oitocentos oitocentas novecentos novecentas dúzia""",
    "pl": """dwa dwie trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście trzynaście czternaście
        piętnaście szesnaście siedemnaście osiemnaście dziewiętnaście dwadzieścia trzydzieści czterdzieści
        pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt sto dwieście trzysta czterysta
        pięćset sześćset siedemset osiemset dziewięćset tysiąc tysiące tysięcy""",
    "ru": """ноль два две три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать
        четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать тридцать сорок пятьдесят
        шестьдесят семьдесят восемьдесят девяносто сто двести триста четыреста пятьсот шестьсот семьсот восемьсот
        девятьсот тысяча тысячи тысяч""",
}
_JOINED = {
    "de": (
        """null eins zwei zwo drei vier fünf sechs sieben acht neun zehn elf zwölf sechzehn siebzehn zwanzig dreißig
        vierzig fünfzig sechzig siebzig achtzig neunzig hundert tausend dutzend""",
        "ein und",
    ),
    "nl": (
        """nul twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien twintig dertig veertig vijftig
        zestig zeventig tachtig negentig honderd duizend dozijn""",
        "een en",
    ),
    "it": (
        """zero due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici
        diciassette diciotto diciannove venti vent trenta trent quaranta quarant cinquanta cinquant sessanta sessant
        settanta settant ottanta ottant novanta novant cento cent mille mila dozzina""",
        "uno un",
    ),
    "sv": (
        """noll två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton tjugo
        trettio fyrtio femtio sextio sjuttio åttio nittio hundra tusen dussin""",
        "ett en",
    ),
}
"""Of languages that write a number as one word: the words it is joined of, and those that are none alone."""


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


_WORDS = frozenset(_fold(" ".join((*_BY_LANGUAGE.values(), *MAGNITUDES))).split())
_PARTS = re.compile(r"[^\W\d_]+")


def _match_joined(numbers: str, links: str) -> str:
    number, link = ("|".join(_fold(words).split()) for words in (numbers, links))
    return rf"(?:{link})*(?:{number})(?:{number}|{link})*"


_JOINED_WORD = re.compile("|".join(_match_joined(*words) for words in _JOINED.values()))


@keep_short(16384)
def has_number_word(text: str) -> bool:
    """Whether a part of a word, between what are no letters, is a number."""
    return any(part in _WORDS or _JOINED_WORD.fullmatch(part) for part in _PARTS.findall(_fold(text)))
