"""The English grammar needed to turn a sentence into a question: word classes, a few verb forms, kinds of answers.

Closed classes (auxiliaries, prepositions) are complete; open ones have what is common in documents. Callers skip a
sentence with an unknown word: a lost question costs less than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmatix.text.numbers import CURRENCY, FRACTION, MINUS
from docmatix.text.short_texts import keep_short

BE = frozenset("is are was were".split())
# forms of `have` and the auxiliary of their question as main verbs: `has twelve floors` -> `does ... have`
HAVE = {"has": "does", "have": "do", "had": "did"}
AUXILIARIES = BE | HAVE.keys() | frozenset("will would can could must shall should may might".split())
DETERMINERS = frozenset("the a an each every all some any no".split())
PREPOSITIONS = frozenset(
    "of in on at by for from to with within without under over between among through during since until till "
    "before after against about into onto across along per via as than upon towards toward around near".split()
)
CONJUNCTIONS = frozenset("and or but nor while whereas because although though if when where whether so unless".split())
RELATIVES = frozenset("that which who whom whose".split())
# words that refer to something outside their clause
ANAPHORA = frozenset(
    "it its they them their theirs he him his she her hers this these those such we our us i my you your one "
    "ones another both former latter here following above below aforementioned said respectively".split()
)
HEDGES = frozenset("about approximately around roughly nearly almost only just exactly some circa".split())
_BEFORE_NOUNS = DETERMINERS | PREPOSITIONS | AUXILIARIES | {"and", "or", ""}
_AFTER_VERBS = DETERMINERS | PREPOSITIONS | HEDGES
FUNCTION_WORDS = (
    AUXILIARIES
    | DETERMINERS
    | PREPOSITIONS
    | CONJUNCTIONS
    | RELATIVES
    | ANAPHORA
    | frozenset("be been being do does did what when how many much whom not there also then".split())
)

_IRREGULAR = (
    "account:accounts achieve:achieves allow:allows begin:begins,began bring:brings,brought build:builds,built "
    "buy:buys,bought charge:charges comprise:comprises consist:consists contain:contains cost:costs cover:covers "
    "deliver:delivers employ:employs end:ends exceed:exceeds fall:falls,fell find:finds,found generate:generates "
    "get:gets,got give:gives,gave go:goes,went grow:grows,grew hold:holds,held include:includes last:lasts "
    "lead:leads,led leave:leaves,left lie:lies,lay lose:loses,lost make:makes,made measure:measures meet:meets,met "
    "need:needs offer:offers open:opens operate:operates pay:pays,paid produce:produces provide:provides reach:reaches "
    "receive:receives represent:represents require:requires rise:rises,rose run:runs,ran sell:sells,sold "
    "send:sends,sent serve:serves span:spans spend:spends,spent start:starts support:supports take:takes,took use:uses "
    "weigh:weighs win:wins,won write:writes,wrote"
)
# third-person and irregular past forms, with their base, of verbs that often precede a number, a date or a name
VERBS = {
    form: lemma for entry in _IRREGULAR.split() for lemma, forms in [entry.split(":")] for form in forms.split(",")
}
# base forms that are rarely nouns: before another word in `-ed` they are the verb of its clause
BASE_VERBS = frozenset(
    "accept achieve acquire adapt add adopt affect agree allow announce appear apply argue arise arrange ask "
    "assess assist assume attend avoid become begin belong believe bring calculate carry choose collect combine "
    "compare complete comprise consider consist constitute contain continue contribute cooperate correspond "
    "create deal decide declare define deliver deny depend derive describe determine develop differ discuss "
    "divide eat emerge employ enable encourage enjoy ensure enter establish evaluate examine exceed exist expect "
    "explain explore express extend familiarise familiarize feel follow form gain generate get give go grow "
    "happen help hold identify illustrate implement improve include indicate influence inform introduce invest "
    "involve join keep know learn leave live look maintain make manage mean measure meet need notice obtain "
    "occur offer operate participate pay perform prepare present prevent proceed produce promote propose protect "
    "provide publish purchase reach receive recognise recognize recommend reduce refer reflect reject remain "
    "remove replace represent require resolve respond return retain reveal satisfy say seek seem sell send serve "
    "share show speak specify spend stand suffer suggest support tend treat understand use utilise utilize vary "
    "wish write".split()
)
PRESENT_FORMS = frozenset(form for form in VERBS if form.endswith("s"))
_NOT_PAST = frozenset("hundred speed need seed feed indeed united red bed shed breed unlimited embedded".split())
_IRREGULAR_PLURALS = frozenset("people children men women data persons criteria".split())

MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?"
)
_NUMERAL = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty"
_ONES = "one|two|three|four|five|six|seven|eight|nine"
NUMERAL = rf"(?:{_NUMERAL}|{'|'.join(word.capitalize() for word in _NUMERAL.split('|'))})(?:-(?:{_ONES}))?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_SIGN = rf"[-–±+(]?{MINUS}? ?"
_DIGITS = rf"(?:\d(?:[\d.,'’]|[ \u00a0\u2009\u202f](?=\d{{3}}(?!\d)))*(?: ?{FRACTION})?|{FRACTION})\)?"
_KINDS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("contact", r"\S+@\S+\.\w+|https?://\S+|www\.\S+"),
        ("percent", rf"(?=.*[%ts]$)(?:{_SIGN}{_DIGITS}|{NUMERAL}) ?(?:%|per ?cent|percentage points)"),
        ("amount", rf"{_SIGN}(?:[a-z]{{0,3}}[$€£¥]|usd|eur|gbp|chf|(?-i:{CURRENCY})) ?{_SIGN}{_DIGITS}.{{0,12}}"),
        ("amount", rf"(?!.*\d$){_SIGN}{_DIGITS}.{{0,12}}(?:dollars|euros|pounds|usd|eur|(?<![a-z])(?-i:{CURRENCY}))"),
        ("date", rf"(?:[a-z]{{3,9}},? )?(?:{_DAY} {MONTH}|{MONTH}(?: {_DAY})?)(?:,? \d{{4}})?|(?:1[6-9]|20)\d\d"),
        ("date", r"the (?:(?:early|late) |mid-)?(?:\d{4}s|\d{1,2}th century)"),
        ("date", r"\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}"),
        ("time", r"\d{1,2}:\d\d(?: ?[ap]\.?m\.?)?|\d{1,2} ?[ap]\.?m\.?"),
        ("number", rf"{_SIGN}{_DIGITS}(?: [^\s\d]\S{{0,19}})?|{NUMERAL}"),
    )
)  # fmt: skip


_FIGURE = re.compile(r"[\d¼-¾⅐-⅞]")
_FIGURES = frozenset({"amount", "time"})  # no word is any of these


@keep_short(4096)
def classify_answer(answer: str) -> str:
    """`contact`, `percent`, `amount`, `date`, `time`, `number`, or `text` for anything else."""
    if len(answer) <= 60:
        stripped, figure = answer.strip(), _FIGURE.search(answer) is not None
        for kind, pattern in _KINDS:
            if (figure or kind not in _FIGURES) and pattern.fullmatch(stripped):
                return kind
    return "text"


def bare(word: str) -> str:
    """A word without the punctuation around it."""
    return word.strip(".,;:!?\"'“”‘’()[]")


def is_plural(word: str) -> bool:
    """Whether a noun looks like a plural."""
    low = bare(word).lower()
    return (low.endswith("s") and not low.endswith(("ss", "us", "is"))) or low in _IRREGULAR_PLURALS


def is_several(name: str) -> bool:
    """Whether a name's head, before `of` or `per`, is a plural: `costs of sale`, not `number of pages`."""
    return is_plural(_AFTER_HEAD.split(name)[0])


_AFTER_HEAD = re.compile(r" (?:of|per|in|for|by|at|on|to|under) ")


def is_finite(words: Sequence[str], place: int) -> bool:
    """Whether the word at `place` looks like its clause's main verb: a known form, or `-ed` other than an adjective."""
    word, before = bare(words[place]).lower(), words[place - 1].lower() if place else ""
    if before in _BEFORE_NOUNS or words[place][:1].isupper():
        return False
    if word in PRESENT_FORMS:
        # "the costs of", "both ends": a plural noun unless an object follows a singular subject
        follower = bare(words[place + 1]).lower() if place + 1 < len(words) else ""
        return not before.endswith("s") and (follower in _AFTER_VERBS or classify_answer(follower) == "number")
    return word in VERBS or (word.endswith("ed") and len(word) > 4 and word not in _NOT_PAST)


_DOUBLED = re.compile(r"(?:[^aeiou][aeiou](?:bb|gg|mm|nn|pp|rr|tt|vv)|[^aeiou][ao]dd|[eoi]ll)$")
_PLAIN_STEM = re.compile(
    r"(?:^add|ll|ss|ff|[wyx]|[^aiou]k|[aeou][aeou]k|[nrs]t|[ie]pt|opt|nd|ld|rd|[cs]h|lp|en|er|[aeo]in|[tisdcml]on|rn|gn|ct|"
    r"lt|rm|mp|[aeo][aeou][dlnrtmpf]|empt|apt|[rkdg]et|itor|[ao]i[dlmr]|[hbdms]it|velop|[oi]ng|focus|[aeou]y|our|ear|air|alt)$"
)
_STEM_ON_E = re.compile(
    r"(?:[cguvz]|[^aeiou]l|at|ib|[^aeo]id|ud|od|ad|um|am|in|ir|ur|ut|ap|[iao]k|[^s]s|lar|par|har|ot|yp|uit|plet|delet|tor|plor|gnor|vit|unit)$"
)


def find_lemmas(form: str) -> tuple[str, ...]:
    """The possible base forms of a verb form: `rose` -> rise, `planned` -> plan; two if the spelling does not decide
    (`sampl`, `sample`)."""
    stem = form[:-2]
    if form in VERBS:
        return (VERBS[form],)
    if form.endswith("ied"):
        return (form[:-3] + "y",)
    if form.endswith("eed"):
        return (form,) if len(re.findall("[aeiou]+", form)) == 1 else (form[:-1],)
    if _DOUBLED.search(stem) and (stem[-2:] != "ll" or len(re.findall("[aeiou]+", stem)) > 1):
        return (stem[:-1],)
    if _PLAIN_STEM.search(stem) and not stem.endswith("creat"):
        return (stem,)
    if _STEM_ON_E.search(stem):
        return (stem + "e",)
    return (stem, form[:-1])


def find_stem(word: str) -> str:
    """A word without common endings, so that `acquire`, `acquired`, `acquires` are equal. Not itself a word."""
    word = word.removesuffix("'s").removesuffix("’s")
    word = VERBS.get(word, word)
    for ending in ("ies", "ied", "ing", "ed", "es", "s", "e", "y"):
        if len(word) - len(ending) >= 3 and word.endswith(ending):
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


def is_base_verb(word: str) -> bool:
    """Whether a word is a common verb in the present (`apply`, `applies`)."""
    low = word.lower()
    return low in BASE_VERBS or (low.endswith("s") and find_stem(low) in _STEMS_OF_BASE_VERBS and low not in _PLURALS)


_STEMS_OF_BASE_VERBS = frozenset(map(find_stem, BASE_VERBS))
_PLURALS = frozenset("shares forms looks meetings means notices purchases speaks stands".split())


# labels (what heads a column or precedes a colon) that say too little on their own
GENERIC_LABELS = frozenset(
    "date name number no total amount type title address note notes time value description status code id page "
    "item first last middle full given family comments other remarks email phone tel fax website subject from "
    "to quantity unit price details ref".split()
)
COUNTED_LABELS = frozenset(
    "units employees pages seats hours days weeks months years votes orders members patients students items "
    "pieces visitors persons people households beds rooms vehicles cases deaths births schools branches stores "
    "customers users downloads passengers trees tickets participants attendees points goals wins losses games "
    "staff questions errors samples".split()
)
_ROLES = frozenset(
    "owner author manager director lead head contact customer client supervisor instructor teacher coordinator "
    "chair president secretary treasurer editor designer engineer inspector assignee buyer seller tenant "
    "landlord applicant patient physician doctor speaker presenter host leader captain winner nurse officer "
    "investigator technician veterinarian".split()
)
_HEADS = frozenset(
    "account accuracy address age agency altitude amount angle answer area author authority balance bandwidth "
    "bank batch birthday bonus borrower brand breed budget buyer capacity carrier category cause change charge "
    "chemical city class client code color colour company component concentration contact content contractor "
    "contract cost count country county course coverage currency current customer cycle date day deadline debt "
    "default delay demand density department deposit depth description designer destination device diameter "
    "discount distance district dose drift duration duty effect email employer energy engine equipment error "
    "event expense expiry extension factor fare fax fee field file flow focus force format frequency fuel fuse "
    "genre goal grade group growth hardness head height holder host income index ingredient instructor "
    "insurance interest interval invoice item job keyword kind land landlord language latency length level "
    "licence license limit line loan location loss maker manager manufacturer margin mark market mass material "
    "maximum meaning measure member method minimum mode model module month motto name nationality network "
    "notice number objective occupation office operator opinion order origin outcome output owner pace "
    "parameter part participant party passport patient payment penalty period phase phone place plan plate "
    "policy population port position postcode power premium pressure price principal priority procedure "
    "process product profit program programme project protocol provider publisher purpose quantity quota range "
    "rank rate ratio reason receiver recipient reference region remedy rent response result revenue review "
    "risk role room route rule salary sale schedule school scope score season section sector seller sender "
    "series service share shift signal site size source speaker species speed sponsor standard start state "
    "status strategy street strength subject subtotal sum supervisor supplier supply surface surname system "
    "target task tax teacher team technician technique temperature tenant term test theme threshold time title "
    "tolerance tool topic torque total town track trade type unit vendor venue version veterinarian voltage "
    "volume volunteer wage warranty wavelength website weight width winner work year yield zip zone".split()
)  # fmt: skip
_HEAD_ENDINGS = re.compile(r"(?:tion|sion|ment|ness|ity|ance|ence|ency|ancy|ship|age|ism|ology|meter)s?$")
_WRITTEN_OUT = {
    "qty": "quantity", "qty.": "quantity", "amt": "amount", "amt.": "amount", "tel": "telephone number",
    "tel.": "telephone number", "dept": "department", "dept.": "department", "dob": "date of birth",
    "ht.": "height", "wt.": "weight", "wt": "weight", "temp.": "temperature", "acct": "account", "acct.": "account",
    "max.": "maximum", "min.": "minimum", "avg": "average", "avg.": "average",
}  # fmt: skip
_NUMBER_SIGNS = {"no": "number", "no.": "number", "#": "number", "nos": "numbers", "nos.": "numbers"}
_ACRONYMS = frozenset(
    "bic ceo cfo cpi dob ebit ebitda ein eps eu fte gdp gst hr iban id isbn issn it kpi pin po roi sku ssn swift tin "
    "uk un upc url us vat vin zip".split()
)
_DAYS = re.compile(rf"{MONTH}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?")
_PERIOD = re.compile(
    rf"(?:FY ?|Q[1-4] ?|H[12] ?)?(?:19|20)\d\d(?:[/–-]\d{{2,4}})?|Q[1-4]|{MONTH}(?: \d{{4}})?", re.IGNORECASE
)


@keep_short(4096)
def spell_label(label: str) -> str:
    """A label as spelled in a question: `Invoice No.` -> `invoice number`, `VAT Rate (%)` -> `VAT rate`."""
    words = (_BRACKETED.sub("", label).strip() or label).split()
    if label.isupper() and len(label) > 3:
        words = [word if word.lower() in _ACRONYMS else word.lower() for word in words]
    return " ".join(_spell_word(words, place) for place in range(len(words)))


def _spell_word(words: Sequence[str], place: int) -> str:
    """A word of a label, written out if it is an abbreviation there: `No` is a number at a label's end and before `of`,
    and the word `no` in `No prison term`."""
    word, low = words[place], words[place].lower()
    last, follower = place + 1 == len(words), words[place + 1] if place + 1 < len(words) else ""
    if low in _NUMBER_SIGNS:
        if (last and (place or low[-1] in ".#")) or follower.lower() == "of":
            return _NUMBER_SIGNS[low]
        if not place and low[-1] in ".#" and is_plural(follower):
            return "number of"
        return low if low == "no" else word
    if low == "min." and last and place:
        return "minutes"
    if low.startswith("tel") and follower.lower() in _NUMBER_SIGNS:
        return "telephone"
    if any(map(str.isupper, word[1:])) or any(map(str.isdigit, word)) or _DAYS.fullmatch(word):
        return word
    return _WRITTEN_OUT.get(low, low)


_BRACKETED = re.compile(r" ?\([^()]*\)")


@keep_short(4096)
def is_noun(label: str) -> bool:
    """Whether a label is certainly a noun phrase: its head (before `of`, `in`) is a common noun of forms and tables."""
    words = spell_label(label).lower().split()
    if not words or any(mark in label for mark in ",;×/") or words[0] in FUNCTION_WORDS:
        return False
    place = next((place for place, word in enumerate(words) if place and word in PREPOSITIONS), len(words))
    head = bare(words[place - 1])
    singular = head.removesuffix("ies") + "y" if head.endswith("ies") else head.removesuffix("s")
    known = not {head, singular}.isdisjoint(_COMMON_NOUNS)
    return known or (_HEAD_ENDINGS.search(head) is not None and singular != "condition")


_COMMON_NOUNS = _HEADS | COUNTED_LABELS | _ROLES


@keep_short(4096)
def is_quantity(label: str) -> bool:
    """Whether a row's name is what is measured, so that `What is the ...` asks for its value: `Response time`."""
    return is_noun(label) and not is_generic(label) and bare(label.rsplit(maxsplit=1)[-1]).lower() in _QUANTITIES


_QUANTITIES = frozenset(
    "weight mass time length width height depth size diameter thickness temperature pressure voltage power "
    "capacity speed rate date number price cost fee name address volume area range accuracy resolution "
    "frequency duration distance age population density current resistance consumption efficiency income "
    "revenue profit budget total margin ratio error drift tolerance life year birth commissioning manufacture "
    "issue expiry period deadline language country currency colour color sales cost costs expense expenses assets "
    "liabilities equity debt earnings tax taxes spending production turnover wages employment loss losses "
    "interest rent value amount balance share score".split()
)


def is_generic(label: str) -> bool:
    """Whether a label says too little on its own: `Date`, `Total amount`."""
    return all(word.strip(".:#()").lower() in GENERIC_LABELS for word in label.split())


def is_period(label: str) -> bool:
    """Whether a column header names a period: `2023`, `Q1 2024`, `FY2022/23`, `March`."""
    return _PERIOD.fullmatch(label) is not None


def names_person(label: str, value: str) -> bool:
    """Whether a field contains a person: the label is a role, the value two to four capitalised words."""
    return bare(label.rsplit(maxsplit=1)[-1]).lower() in _ROLES and is_personal(value)


def is_personal(text: str) -> bool:
    """Whether a text is just two to four capitalised words: `Paul Hendricks`, `M. Tolliver`."""
    words = text.split()
    return 2 <= len(words) <= 4 and all(
        word[0].isupper() and word.replace(".", "").replace("-", "").replace("'", "").isalpha() for word in words
    )
