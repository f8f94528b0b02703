"""Answers that are a verdict: yes, no, and `the pages do not say`, in the languages of documents."""

from __future__ import annotations

import re

from docmatix.verification.agreement.spelling import clean, fold
from docmatix.verification.agreement.vocabulary import NEGATIONS, WORDS, fold_all

_YES_WORDS, _NO_WORDS = fold_all(WORDS["yes"]), fold_all(WORDS["no"])
_AFTER = re.compile(
    r"\W*$|\s*[.,;:!?)-]|\s(?:it|he|she|they|we|i|there|this|that|the|these|es|er|sie|das|der|die|il|elle|ils|ce|"
    r"el|ella|lo|la)\b"
)
_POLAR = re.compile(
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|must|ist|sind|war|waren|hat|"
    r"haben|hatte|wird|"
    r"werden|wurde|kann|gibt|darf|muss|est-ce|est|sont|a-t|y a-t|es|esta|son|fue|hay|tiene|ha|e|sono|era|foi|"
    r"existe|czy|zijn|"
    r"heeft|wordt|kan)\b"
)
_FIRST = re.compile(r"[\W_]*([^\W\d_]+)")

_TEXT = (
    r"(?:documents?|texts?|passages?|pages?|contexts?|excerpts?|pdf|content|images?|information|source|snippet|"
    r"article|"
    r"report|table|figure|picture|material|above|here)"
)
_SAID = (
    r"(?:mentioned|specified|stated|provided|given|disclosed|indicated|reported|listed|described|discussed|"
    r"answerable|defined|"
    r"determinable)"
)
_GIVEN = rf"(?:{_SAID}|included|present|available|found|contained|shown|known|visible|clear|legible|readable|explicit)"
_IN_TEXT = rf"(?:in|by|within|on|from) (?:\w+ ){{0,3}}{_TEXT}"
_PATTERNS = (
    rf"^(?:it is |it's |this is |that is |the answer is |(?:the|this) question is )?(?:not |un)(?:\w+ly )?"
    rf"(?:{_GIVEN}|applicable)(?: \w+ly)?(?:\W*$|\s?[,;:(]| {_IN_TEXT}\b| here\b)",
    r"^(?:n/?a|n\. ?a\.?|none|null|nil|unknown|unspecified|unavailable|no answer|unanswerable|not answerable)\W*$",
    rf"\b(?:is|are|was|were|has|have)(?: not|n't) (?:been )?(?:\w+ly )?(?:{_SAID}\W*$|"
    rf"{_GIVEN} (?:\w+ ){{0,3}}{_IN_TEXT}\b)",
    rf"\b{_TEXT} (?:itself )?(?:does|do|did)(?: not|n't) (?:\w+ly )?(?:mention|specify|state|provide|contain|"
    rf"include|say|give|"
    r"indicate|discuss|have|offer|disclose|address|describe|answer|tell|list|show|report|define)\b",
    rf"\bno {_TEXT} (?:mentions|states|says|gives)\b",
    r"\b(?:cannot|can't|can not|could not|couldn't) be (?:\w+ly )?(?:determined|answered|inferred|identified|"
    r"found|established|"
    r"ascertained)\b(?=\W*$| (?:from|based|with|without|using|by|in|on)\b)",
    r"\b(?:i|we) (?:cannot|can't|can not|could not|couldn't) (?:answer|determine|find|tell|see|identify|infer|"
    r"locate|provide|say)",
    r"\b(?:not enough|insufficient) (?:information|context|data|details?|evidence)\b",
    rf"(?:^|\bthere (?:is|are) |\bi (?:see|find|have) )no (?:\w+ )?(?:information|mention|answer|data|details?|"
    rf"indication)\b"
    rf"(?:\W*$| (?:of|about|on|regarding|for)\b| (?:\w+ ){{0,8}}{_IN_TEXT}| (?:is |was |are |were )?{_GIVEN}\W*$)",
    r"\bi (?:do not|don't) know\b|(?:^|\b(?:am|i'm|are) )(?:unable|not able) to (?:answer|determin|find|locat|"
    r"identif|tell)",
    # German
    r"\bnicht (?:\w+ )?(?:angegeben|genannt|beantwortet|erwahnt|bekannt|beantwortbar|beantworten|ersichtlich|"
    r"ermittelbar|"
    r"zu finden|hervor|bestimmbar|aufgefuhrt|spezifiziert|lesbar)|\bnicht (?:im|in dem|in diesem) (?:text|dokument)|"
    r"\bkeine? (?:\w+ )?(?:angaben?|informationen?|antwort|auskunft|erwahnung)\b|^unbekannt\W*$|^k\. ?a\.?$|"
    r"^nicht (?:verfugbar|enthalten|vorhanden|zutreffend)\W*$",
    # French
    r"\bn'(?:est|sont|a|ont) pas (?:ete )?(?:\w+ement )?(?:mentionn|precis|indiqu|specifi|fourni|repond|connu|"
    r"donn|communiqu)|"
    r"\bn'(?:apparait|indique) pas\b|\b(?:document|texte|page|passage|extrait)s? ne \w+ pas\b|"
    r"\bne (?:peut|peux|permet|permettent) pas (?:de |d'|etre )?(?:repond|determin|trouv)|"
    r"^(?:non|pas) (?:\w+ )?(?:precise|mentionne|indique|specifie|disponible|communique|fourni|renseigne|applicable)|"
    r"\b(?:aucune|pas d') ?(?:information|reponse|mention|indication)|^inconnue?\W*$",
    # Spanish
    r"\bno (?:se |esta |es |fue |ha sido )?(?:menciona|especifica|indicad|proporciona|responder|consta\b)|"
    r"^no disponible\W*$|"
    r"\bno se (?:puede|pueden|indica|encuentra|proporciona|dice) ?(?:responder|determinar|en el|$)|"
    r"\b(?:documento|texto|pagina|pasaje) no (?:\w+)\b|\b(?:ninguna|no hay|sin) (?:informacion|respuesta|mencion)|"
    r"^desconocid[oa]\W*$",
    # Portuguese
    r"\bnao (?:e |esta |foi |se |sao |foram )?(?:especificad|mencionad|indicad|informad|fornecid|consta\b|"
    r"respondivel)|"
    r"\b(?:documento|texto|pagina) nao \w+\b|\bnao (?:ha|existe) (?:informac|mencao|resposta)|^nao disponivel\W*$|"
    r"^desconhecid[oa]\W*$|\bnenhuma (?:informacao|resposta|mencao)|\bnao e possivel (?:responder|determinar)",
    # Italian
    r"\bnon (?:e |viene |sono |risulta |e stato |e stata )?(?:\w+mente )?(?:specificat|menzionat|indicat|fornit|"
    r"riportat)|"
    r"\b(?:documento|testo|pagina) non \w+\b|\bnessuna (?:informazione|risposta|menzione)|^sconosciut[oa]\W*$|"
    r"^non (?:disponibile|presente|noto|applicabile)\W*$|\bnon (?:e possibile|si puo) (?:rispond|determin)",
    # Dutch, Polish, Swedish and its kin, Czech
    r"\bniet (?:\w+ )?(?:vermeld|genoemd|gespecificeerd|bekend|aangegeven|te beantwoorden|beantwoordbaar)|"
    r"^niet (?:beschikbaar|gevonden|van toepassing)\W*$|\bgeen (?:informatie|antwoord)\b|^onbekend\W*$",
    r"\bnie (?:\w+ )?(?:podano|podana|wspomniano|okreslono|wiadomo|znaleziono|jest podan)|^nie dotyczy\W*$|"
    r"^brak (?:informacji|danych|odpowiedzi)|^nieznan[aey]\W*$|\bnie mozna (?:odpowiedziec|okreslic|ustalic)",
    r"\b(?:inte|ikke) (?:\w+ )?(?:angive[tn]|angitt|namn[ts]|nevnt|naevnt|oppgitt|besvara|besvare|spesifisert|"
    r"specificera)|"
    r"^(?:okand|ukjent|ukendt)\W*$|\bingen (?:information|uppgift)",
    r"\bneni (?:\w+ )?(?:uveden|zmin|znam[oa]|k dispozici)|\bnelze (?:odpovedet|urcit)|^neznam[eya]\W*$",
    # Russian, Chinese, Japanese, Korean, Arabic
    r"\bне (?:\w+ )?(?:указан|упомин|упомян|приведен)|\bнет (?:информации|данных|ответа)|^неизвестно",
    r"未(?:提及|说明|提供|指定|知$|給出|给出|注明|提到|披露|記載)|无法(?:回答|确定|得知|判断)|無法(?:回答|確定)|"
    r"没有(?:提到|提及|说明|提供|相关信息)|^不(?:详|明|知道|适用|適用)$|沒有(?:提到|提及)",
    r"(?:記載|言及|情報|記述|回答)(?:は|が)?(?:され|して)?(?:ていません|ていない|ありません|ない|なし|できません)|^不明",
    r"(?:언급|명시|제공|기재|정보|답변)(?:이|가|을|할|되어|되지|하지)?\s?(?:수\s?)?(?:있지\s)?(?:않|없|불가)|알 수 없",
    r"غير (?:مذكور|محدد|متوفر|معروف|وارد)|لا (?:يوجد|توجد) (?:معلومات|إجابة|ذكر)|لم (?:يذكر|يتم ذكر)|"
    r"لا يمكن (?:تحديد|الإجابة)",
)
_NOT = re.compile("|".join(_PATTERNS))
_SIGNALS = NEGATIONS | fold_all(WORDS["denials"])
_UNKNOWN = tuple("unkn unsp unav unan unde undi unme unbe unre unpr unst unkl".split())
_OTHER_SCRIPT = re.compile(r"[\u0400-\u06ff\u3000-\uffff]")
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST = 300  # characters of a refusal; a longer answer says something


def read_yes_no(text: str) -> bool | None:
    """Whether an answer says yes or no, as its first word; None if it says neither. `No smoking` says neither."""
    folded = fold(clean(text))
    found = _FIRST.match(folded)
    if not found or not _AFTER.match(folded, found.end()):
        return None
    word = found[1]
    if word in _YES_WORDS:
        return True
    return False if word in _NO_WORDS else None


def is_polar(question: str) -> bool:
    """Whether a question can be answered with yes or no."""
    return _POLAR.match(fold(clean(question))) is not None


def is_not_answerable(text: str) -> bool:
    """Whether an answer says that the pages do not answer the question: `Not mentioned`, `nicht angegeben`, `N/A`."""
    if len(text) > _LONGEST:
        return False
    folded = fold(clean(text)).strip(" .\"'([")
    return _may_deny(folded) and _NOT.search(folded) is not None


def _may_deny(folded: str) -> bool:
    """Whether a text has a word of those that each pattern needs; the patterns take 50 times as long."""
    if not folded.isascii() and _OTHER_SCRIPT.search(folded):
        return True
    return any(word in _SIGNALS or word.startswith(_UNKNOWN) for word in _WORD.findall(folded))
