"""JSON as models write it: encoded twice, with Python's quotes, with keys that have none."""

from __future__ import annotations

import json
import re
from typing import Any

# numbers stay as written: 3.50 is a price, not 3.5; `strict=False` accepts raw newlines and tabs inside strings
_DECODER = json.JSONDecoder(strict=False, parse_float=str, parse_int=str, parse_constant=str)


def decode(content: str, start: int = 0) -> tuple[Any, int] | None:
    """The value that begins at `start` and where it ends; None if it is not well-formed."""
    try:
        return _DECODER.raw_decode(content, start)
    except (ValueError, RecursionError):  # a model that loops on "[" nests too deep for the decoder
        return None


# --- LaTeX in strings -------------------------------------------------------------------------------------------------

# "\frac" with one backslash is an escape of JSON, a form feed and "rac". No model means a form feed or a backspace;
# tabs and line breaks are meant unless the name of a command follows, one that is a word too beside other signs
_TEX = re.compile(
    r"""
    \\ (?: (?P<known> ["\\/'x] )
      | (?= [bf] [A-Za-z]
          | t (?: ext | imes | heta | ilde | riangle | herefore | frac | (?: anh? | au | op? ) \b )
          | n (?: abla | eq | leq | geq | otin | ewline ) (?! [a-z] )
          | r (?: ho | angle | ightarrow | ceil | floor | vert ) (?! [a-z] )
          | (?: nu | ne | ni | not | nmid | nexists | right | rm ) (?= [_^}$\\)(] )
          | u (?! [0-9a-fA-F]{4} )
          | [^bfnrtu]  # no escape of JSON
        ) )
  | (?<= [$^_{=(] ) \\ (?= (?: nu | ne | ni | not | nmid | nexists | right | rm ) (?! [a-z] ) )
    """,
    re.VERBOSE,
)


def keep_commands(content: str) -> str:
    """The reply with the backslashes of LaTeX's commands escaped, where JSON would take them for its own escapes."""
    return _TEX.sub(_keep, content) if "\\" in content else content


def _keep(found: re.Match[str]) -> str:
    return found.group() if found["known"] else "\\\\"


# --- encoded twice ----------------------------------------------------------------------------------------------------

FENCE = re.compile(r"\A```\w*+\s|```\Z")
_OPENING = re.compile(r'[\[{]\s*+["\[{\]}]')
_ESCAPED = re.compile(r'[\[{](?:\s|\\[nrt])*+\\"')
_MOST_TIMES = 3


def unwrap(content: str) -> str:
    """The text within a reply that is one string of JSON, or the inside of one, as often as it was encoded."""
    for _ in range(_MOST_TIMES):
        inner = _unwrap_once(content)
        if inner is None:
            return content
        content = inner
    return content


def _unwrap_once(content: str) -> str | None:
    text = content.strip()
    if text.startswith(('"', "```")):
        text = FENCE.sub("", text).strip()
        if text.startswith('"'):
            decoded = decode(text)
            inner = decoded[0] if decoded is not None and decoded[1] == len(text) else ""
            # a phrase between quotes is nothing but that
            if inner.lstrip().startswith(("{", "[", "<", '"')) or "\n" in inner:
                return str(inner)
    if '\\"' not in text:
        return None
    escaped, opening = _ESCAPED.search(text), _OPENING.search(text)
    if escaped is None or (opening is not None and opening.start() < escaped.start()):
        return None
    body = text[escaped.start() :]
    if (len(body) - len(body.rstrip("\\"))) % 2:
        body = body[:-1]  # cut within an escape
    decoded = decode('"' + body + '"')
    if decoded is None or "{" in body[decoded[1] - 1 :]:
        return None
    return text[: escaped.start()].removesuffix('"') + str(decoded[0])


# --- with other quotes ------------------------------------------------------------------------------------------------

_LOOSE = re.compile(r"[\[{,]\s*+(?:'[^'\n]{1,60}+'|\u201c[^\u201d\n]{1,60}+\u201d|[A-Za-z_]\w{0,30}+)\s*+:")
_LOOSE_VALUE = re.compile(r"/\*|[\s,\[{}\]\"]//|:\s*+(?:None|True|False|undefined)\b")
_FIRST = re.compile(r"[\[{]\s*+['\"\u201cA-Za-z_\[{]")
# a quote ends a string only where the notation goes on, so that apostrophes need no backslash
_ENDS = r"(?=\s*+(?:[:}\]]|,\s*+['\"\u201c\[{\]}A-Za-z_]|\Z))"
_PIECE = re.compile(
    rf"""
    (?P<whole> " (?: [^"\\] | \\. )*+ (?: "|\Z ) )
  | (?P<comment> /\* (?: [^*] | \*(?!/) )*+ \*/ | (?<= [\s,\[{{}}\]"] ) // [^\n]*+ )
  | (?P<before> [\[{{,:] \s*+ ) (?:
        ' (?P<single> (?: [^'\\] | \\. | ' (?! {_ENDS} ) )*+ ) (?: '|\Z )
      | \u201c (?P<curly> (?: [^\u201d\\] | \\. | \u201d (?! {_ENDS} ) )*+ ) (?: \u201d|\Z )
      | (?P<key> [A-Za-z_]\w*+ ) (?= \s*+ : )
      | (?P<constant> None|True|False|undefined ) \b
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_CONSTANTS = {"None": "null", "True": "true", "False": "false", "undefined": "null"}


def is_loose(content: str) -> bool:
    """Whether a reply has keys that are not between straight double quotes, comments or Python's constants."""
    return _LOOSE.search(content) is not None or _LOOSE_VALUE.search(content) is not None


def tighten(content: str) -> str:
    """The reply with the quotes of JSON. What was cut off stays open."""
    first = _FIRST.search(content)
    return content if first is None else content[: first.start()] + _PIECE.sub(_rewrite, content[first.start() :])


def _rewrite(piece: re.Match[str]) -> str:
    if piece["whole"] is not None:
        return _ESCAPE.sub(_rewrite_escape, piece["whole"])
    if piece["comment"] is not None:
        return " "
    if piece["constant"] is not None:
        return piece["before"] + _CONSTANTS[piece["constant"]]
    if piece["key"] is not None:
        return f'{piece["before"]}"{piece["key"]}"'
    inner = piece["single"] if piece["single"] is not None else piece["curly"]
    closed = piece.group()[len(piece["before"]) + 1 + len(inner) :]
    return f'{piece["before"]}"{escape(inner)}' + ('"' if closed else "")


_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|.)", re.DOTALL)
_QUOTE = re.compile(rf'{_ESCAPE.pattern}|"', re.DOTALL)


def escape(text: str) -> str:
    """The inside of a string with the escapes of JSON, whichever it had."""
    return _QUOTE.sub(_rewrite_escape, text)


def _rewrite_escape(found: re.Match[str]) -> str:
    """An escape as JSON knows it; a backslash that is none stays one."""
    escape = found.group()
    if escape == '"':
        return '\\"'
    if escape.startswith("\\x") and len(escape) == 4:
        return f"\\u00{escape[2:]}"
    return "'" if escape == "\\'" else escape if escape[1] in '"\\/bfnrtu' else f"\\{escape}"
