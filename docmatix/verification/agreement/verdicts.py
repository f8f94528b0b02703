"""Answers that are a verdict: yes, no, and `the pages do not say`, in the languages of documents."""

from __future__ import annotations

import re

from docmatix.verification.agreement.spelling import clean, fold

_YES = "yes yeah yep ja jawohl oui si sim tak da evet hai ano igen kylla joo はい 是 是的 对 예 네 نعم हाँ हां да так sí"
_NO = "no nope nein non nao nee nie nej nei ei ne hayir いいえ 否 不是 不 아니요 아니오 لا नहीं нет ні"
_YES_WORDS, _NO_WORDS = (frozenset(fold(clean(words)).split()) for words in (_YES, _NO))
_AFTER = re.compile(r"[\s.,;:!?)\"-]|$")
_FIRST = re.compile(r"[\W_]*([^\W\d_]+)")

_TEXT = (
    r"(?:documents?|texts?|passages?|pages?|contexts?|excerpts?|pdf|content|images?|information|source|snippet|"
    r"article|"
    r"report|table|figure|picture|material)"
)
_GIVEN = (
    r"(?:mentioned|specified|stated|provided|given|included|present|available|found|disclosed|indicated|contained|"
    r"shown|"
    r"reported|listed|known|visible|clear|applicable|answerable|determined|determinable|described|discussed|legible|"
    r"readable|defined|explicit)"
)
_NOT = re.compile(
    "|".join(
        (
            rf"^(?:it is |it's |this is |that is |the answer is |(?:the|this) question is )?(?:not |"
            rf"un)(?:\w+ly )?{_GIVEN}\b",
            r"^(?:n/?a|n\. ?a\.?|none|null|nil|unknown|unspecified|unavailable|no answer|unanswerable|"
            r"not answerable)\W*$",
            rf"\bnot (?:\w+ly )?{_GIVEN} (?:\w+ ){{0,3}}(?:in|by|within|on|from|here)\b",
            rf"\b(?:is|are|was|were|does|do|did|has|have)(?: not|n't) (?:\w+ ){{0,2}}"
            rf"(?:{_GIVEN}|mention|specify|state|provide|contain|include|say|give|indicate|discuss|disclose|"
            rf"address|tell)\b"
            rf"(?=.*\b{_TEXT}\b|\W*$)",
            rf"\b{_TEXT}s? (?:itself )?(?:does|do|did)(?: not|n't)\b",
            r"\b(?:cannot|can't|can not|could not|couldn't) (?:be (?:\w+ly )?)?(?:answer|determin|infer|identif|"
            r"find|found|see|"
            r"tell|know|say|establish|locat)",
            r"\b(?:not enough|insufficient) (?:information|context|data|details?|evidence)\b",
            r"^(?:there (?:is|are) |i (?:see|find|have) )?no (?:\w+ )?(?:information|mention|answer|data|details?|"
            r"indication)\b",
            r"\bi (?:do not|don't) know\b|\b(?:unable|not able) to (?:answer|determin|find|locat|identif|tell)",
            # German
            r"\bnicht (?:\w+ )?(?:angegeben|genannt|erwahnt|bekannt|beantwortbar|beantworten|enthalten|vorhanden|"
            r"ersichtlich|"
            r"verfugbar|ermittelbar|zu finden|hervor|bestimmbar|aufgefuhrt|spezifiziert|lesbar)",
            r"\bkeine? (?:\w+ )?(?:angaben?|informationen?|antwort|auskunft|daten|erwahnung)\b|^unbekannt\W*$|"
            r"^k\. ?a\.?$",
            # French
            r"\bne? ?(?:est|sont|peut|contient|mentionne|precise|indique|fournit|donne|permet|figure)\w* pas\b",
            r"\bn'(?:est|apparait|indique|a) pas\b|^non (?:\w+ )?(?:precise|mentionne|indique|specifie|disponible|"
            r"communique|"
            r"fourni|renseigne|applicable|repondable)|^pas (?:d'information|de reponse|precise|mentionne|indique|"
            r"disponible)|"
            r"\b(?:aucune|pas d') ?(?:information|reponse|donnee|mention|indication)|^inconnue?\W*$",
            # Spanish, Portuguese, Italian
            r"\bno (?:se |esta |es |esta |fue |ha sido )?(?:puede |pueden )?(?:menciona|especifica|indica|"
            r"proporciona|"
            r"encuentra|disponible|responder|determinar|consta|contiene|figura|aparece)|"
            r"\b(?:ninguna|no hay|sin) (?:informacion|respuesta|datos|mencion)|^desconocid[oa]\W*$",
            r"\bnao (?:e |esta |foi |se |ha |consta|especificad|mencionad|indicad|informad|disponivel|fornecid|"
            r"encontrad|"
            r"respond|determin|aparece|contem|menciona|ha informac)|^desconhecid[oa]\W*$|\bnenhuma (?:informacao|"
            r"resposta)",
            r"\bnon (?:e |viene |sono |si |puo |risulta )?(?:\w+ )?(?:specificat|menzionat|indicat|disponibil|fornit|"
            r"presente|trovat|rispond|determin|noto|contien|riportat)|\bnessuna (?:informazione|risposta|menzione)|"
            r"^sconosciut[oa]\W*$",
            # Dutch, Polish, Swedish and its kin, Czech
            r"\bniet (?:\w+ )?(?:vermeld|genoemd|gespecificeerd|bekend|beschikbaar|aangegeven|te beantwoorden|"
            r"gevonden|"
            r"opgenomen|beantwoordbaar)|\bgeen (?:informatie|antwoord|gegevens)\b|^onbekend\W*$",
            r"\bnie (?:\w+ )?(?:podano|podana|wspomniano|okreslono|wiadomo|zawiera|mozna|znaleziono|dotyczy|"
            r"jest podan)|"
            r"^brak (?:informacji|danych|odpowiedzi)|^nieznan[aey]\W*$",
            r"\b(?:inte|ikke) (?:\w+ )?(?:angive[tn]|angitt|namn[ts]|nevnt|naevnt|oppgitt|tillganglig|"
            r"tilgjengelig|besvara|"
            r"besvare|spesifisert|specificera|kjent|kand)|^(?:okand|ukjent|ukendt)\W*$|\bingen (?:information|"
            r"uppgift)",
            r"\bneni (?:\w+ )?(?:uveden|zmin|znam|k dispozici)|\bnelze (?:odpovedet|urcit)|^neznam[eya]\W*$",
            # Russian, Chinese, Japanese, Korean, Arabic
            r"\bне (?:\w+ )?(?:указан|упомин|извест|привед|содерж|определ|найден)|\bнет (?:информации|данных|ответа)|"
            r"^неизвестно",
            r"未(?:提及|说明|提供|指定|知|給出|给出|注明|提到|披露|記載)|无法(?:回答|确定|得知|判断)|無法(?:回答|確定)|"
            r"没有(?:提到|提及|说明|提供|相关|信息)|不(?:详|明$|知道|可回答|適用|适用)|沒有(?:提到|提及)",
            r"(?:記載|言及|説明|情報|記述|回答)(?:は|が)?(?:され|して)?(?:ていません|ていない|ありません|ない|なし|できません)|不明",
            r"(?:언급|명시|제공|기재|정보|답변|알)(?:이|가|을|할|되어|되지|하지)?\s?(?:수\s?)?(?:있지\s)?(?:않|없|불가)",
            r"غير (?:مذكور|محدد|متوفر|متاح|معروف|موجود|وارد)|لا (?:يوجد|توجد|يمكن)|لم (?:يذكر|يتم)",
        )
    )
)
_LONGEST = 400  # characters of a refusal; a longer answer says something


def read_yes_no(text: str) -> bool | None:
    """Whether an answer says yes or no, as its first word; None if it says neither."""
    folded = fold(clean(text))
    found = _FIRST.match(folded)
    if not found or not _AFTER.match(folded, found.end()):
        return None
    word = found[1]
    return True if word in _YES_WORDS else False if word in _NO_WORDS else None


def is_not_answerable(text: str) -> bool:
    """Whether an answer says that the pages do not answer the question: `Not mentioned`, `nicht angegeben`, `N/A`."""
    return len(text) <= _LONGEST and _NOT.search(fold(clean(text)).strip(" .\"'([")) is not None
