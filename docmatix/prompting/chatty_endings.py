"""What a model says to its reader after the last pair: "I hope this helps!" is no part of an answer."""

from __future__ import annotations

import re

MOST_CHARS = 400
"""Of an ending; a paragraph that is longer has something to say."""
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_PAIRS = r"(?:questions?|answers?|pairs?|q&as?|q/a|examples?)"
_ENDING = re.compile(
    rf"""
    [\s*_>("-]*+ (?:
    # English
      (?:i\ |we\ )?(?:sincerely\ |really\ )?hope\ (?:this|that|these|it|they|the|you)\b
    | (?:please\ |just\ |do\ )*let\ me\ know\b
    | (?:please\ )?feel\ free\ to\b
    | (?:please\ )?do(?:n't|\ not)\ hesitate\b
    | if\ (?:you(?:'d|’d)?|there(?:'s|’s)?|any)\ [^.\n]{{0,80}}?
      \b(?:let\ me\ know|feel\ free|ask|i\ can|i'll|i(?:'|’)d|happy)\b
    | (?:would|do)\ you\ (?:like|want|need)\ (?:me|any|more|another|further|additional)\b
    | is\ there\ anything\ else\b
    | (?:i(?:'m|’m|\ am|(?:'|’)d\ be|\ would\ be)\ )?
      (?:happy|glad)\ to\ (?:help|assist|provide|generate|create|add|make)\b
    | (?:these|the\ above|all|all\ of\ the(?:se)?)\ (?:\w+\ ){{0,2}}?{_PAIRS}\ (?:\w+\ )?
      (?:cover|are|were|have\ been|should|focus|aim|can|test|reflect|follow)\b
    # German
    | ich\ hoffe,?\ (?:das|dies|diese|es|sie|ihnen|dir)\b
    | (?:bitte\ )?(?:lass(?:t|en\ sie)?\ (?:es\ )?mich|gib|geben\ sie|sag(?:en\ sie)?)
      \ (?:mir\ )?(?:gerne\ |einfach\ )?(?:wissen|bescheid)\b
    | (?:falls|wenn|sollten|solltest)\ (?:du|sie)\ (?:noch\ |weitere\ |mehr\ )+
    | m(?:ö|oe)cht(?:est\ du|en\ sie),?\ (?:dass|noch|weitere)\b
    # French
    | j['’]esp[eè]re\ que\ (?:cela|ceci|[cç]a|ces|cette|ce)\b
    | n['’]h[eé]site[zr]?\ pas\b
    | (?:faites|dites|fais|dis)-moi\b
    | si\ (?:vous|tu)\ (?:avez|as|souhaitez|souhaites|voulez|veux)\ (?:besoin|d['’]autres|des\ questions|plus)
    | (?:souhaitez|voulez)-vous\ (?:que\ je|d['’]autres)\b
    # Spanish, Portuguese
    | espero\ que\ (?:esto|estas?|estos|te|le|les|isso|isto|estes|essas|ajude|sea|seja)\b
    | (?:av[ií]s[ae]me|d[ií](?:ga)?me|h[aá]zme(?:lo)?\ saber|h[aá]game(?:lo)?\ saber|d[eé]jame\ saber)\b
    | no\ dud(?:es|e|en)\ en\b
    | si\ (?:necesitas?|tienes|tiene|quieres|desea)\ (?:m[aá]s|algo|alguna|otra|que)
    | (?:me\ avise|avise-me|n[aã]o\ hesite)\b
    | ¿\s*(?:quieres|desea|te\ gustar[ií]a|necesitas?)\b
    # Italian
    | spero\ che\ (?:quest[aeio]|sia|siano|ti|vi|le|possa)\b
    | (?:fammi|fatemi|mi\ faccia)\ sapere\b
    | non\ esit(?:are|i|ate)\b
    | se\ (?:hai|ha|avete|ti\ serv\w+|desideri|vuoi)\ (?:bisogno|altre|ulteriori|domande|altro)
    | (?:vuoi|vorresti|desideri)\ (?:che|altre)\b
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def leave_out_ending(text: str) -> str:
    """The text of a last answer without the paragraphs at its end that speak to the reader; its first one stays."""
    paragraphs = list(_BLANK_LINE.finditer(text.rstrip(" \t\n`*_-")))
    for gap in reversed(paragraphs):
        ending = text[gap.end() :].strip()
        if len(ending) > MOST_CHARS or not _ENDING.match(ending) or not text[: gap.start()].strip():
            break
        text = text[: gap.start()]
    return text
