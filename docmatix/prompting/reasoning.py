"""Leaves out of a reply what is not said to the user: thoughts, other turns, and the marks of both.

Models mark their thoughts in a dozen ways, and servers pass on what their reasoning parser does not know. A mark within
a string of JSON, or between quotes of its own, is text: pages and answers speak of such marks. All takes linear time.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import orjson


class Spoken(NamedTuple):
    """What a reply says besides its thoughts: one piece, or several with thoughts between them."""

    pieces: tuple[str, ...]
    unfinished: bool = False
    """Whether the reply ends among its thoughts; nothing in it is sure to be said then."""

    @property
    def text(self) -> str:
        return "\n".join(self.pieces)

    @property
    def last(self) -> str:
        """The last piece that says anything: before it may stand an introduction."""
        return next((piece for piece in reversed(self.pieces) if piece.strip()), "")


_WORD = (
    r"(?:think(?:ing)?|thoughts?|reason(?:ing)?|rationale|reflections?|scratch[_-]?pad|analysis|drafts?|cot|monologue"
    r"|plan(?:ning)?|brainstorm(?:ing)?|deliberation|pondering|ponder|critique|review|verification|internal|\u601d\u8003)"
)
# <thinking_process>, <inner_monologue>, <chain_of_thought>, <document_analysis>
_THOUGHT = (
    rf"(?:(?:(?!begin|start|end|no)[a-z]{{1,12}}[_-]){{0,2}}?{_WORD}(?:[_-](?:process|steps?|notes|trace))?"
    r"|antthinking)"
)
_TOKEN = re.compile(
    rf"""
    (?P<escape> \\. ) | (?P<quote> ["'`\n] )
  # <think>, </thinking>, <seed:think>, <think budget="5">, &lt;think&gt;
  | (?: < | &lt; ) \s*+ (?P<tag> /?+ ) \s*+ (?: [a-z]{{1,12}}+ : )?+ {_THOUGHT} \b (?! [-_.:] )
      (?: \s [^<>&]{{0,300}}? )?? (?P<alone> /? ) \s*+ (?: > | &gt; )
  # [THINK], [END_THINKING], [THINK_START]
  | \[ \s*+ (?P<bracket> /?+ ) (?: (?P<bracket_side> begin | start | end ) [_ ] (?: of [_ ] )?+ )?+
      (?: think(?:ing)? | thoughts? | reasoning | (?-i: ANALYSIS | SCRATCHPAD | DRAFT ) )
      (?: [_ ] (?P<bracket_after> begin | start | end ) )?+ \s*+ \]
  | [\u25c1\u27e8\u3008\u3010] \s*+ (?P<triangle> /?+ ) \s*+ {_THOUGHT} \s*+ [\u25b7\u27e9\u3009\u3011]
  # <|thinking|>, <|/thinking|>, <|END_THINKING|>, <|begin_of_thought|>
  | < (?P<outer> /?+ ) [|\uff5c] (?P<inner> /?+ ) (?: (?P<side> begin | start | end ) [_\u2581] (?: of [_\u2581] )?+ )?+
      {_THOUGHT} (?: _ (?P<after> begin | start | end ) )?+ [|\uff5c] >
  | (?P<gemma> <\|channel> \s*+ thought | <channel\|> )
  # gpt-oss: analysis, commentary, final
  | <\|channel\|> \s*+ (?P<channel> \w++ )
      (?: [^<>]{{0,200}}+ (?: <\|constrain\|> [^<>]{{0,40}}+ )?+ <\|message\|> )?+
  | (?P<final> assistant\n?final | \b here (?: \s is | 's ) \s my \s response : \** | \[BEGIN\ FINAL\ RESPONSE\] )
  # marks of an answer, which leave it as it is: <|begin_of_box|>, <|START_RESPONSE|>
  | (?P<around> <\| (?: begin | start | end ) _ (?: of_ )?+ (?: box | solution | response | answer | action
      | (?<! of_ ) text ) \|> | \[END\ FINAL\ RESPONSE\] )
  | (?P<said> <\|begin\|> assistant <\|content\|> )  # Solar, after its thoughts
  # <|im_end|>, <|eot_id|>, </s>, <end_of_turn>, fullwidth ones of DeepSeek
  # also cut off where a stop string began, and EXAONE's, Baichuan's, Gemma's, Nemotron's, MiniMax's
  | (?P<turn> <\| [^|<>\s"{{}}]{{1,40}}+ \|> | <\| (?: im_end | endoftext | eot_id | end | eos ) \|? \s*+ \Z
      | \[\| [^|\[\]\s"{{}}]{{1,40}}+ \|\] | \[e~\[ | (?-i: \[ (?: EOS | EOT ) \] )
      | <(?: (?: unused | reserved_ | SPECIAL_ | extra_id_ | dummy ) \d{{1,5}}+ | seed:eos | eos_token | eo[ah] ) >
      | <\uff5c [^\uff5c<>\n]{{1,40}}+ \uff5c> | </?s> | \[/?INST\]
      | <\|turn> | <turn\|> | <(?: (?: end | start )_of_(?: turn | utterance | text ) | eos | bos | pad | eot )> )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SIDES = ("tag", "bracket", "bracket_side", "bracket_after", "triangle", "outer", "inner", "side", "after")
# ```thinking, up to the next fence
_FENCE_OPENS = re.compile(rf"^```{_THOUGHT}\b[^\n`]*+\n", re.MULTILINE | re.IGNORECASE)
_FENCED = re.compile(rf"{_FENCE_OPENS.pattern}(?:(?!```)[^\n]*+\n)*+```[ \t]*+$", re.MULTILINE | re.IGNORECASE)
_SIGNS = (*"<\u25c1\u27e8\u3008\u3010", "&lt;", "assistantfinal", "assistant\nfinal", "my thought process")
_FIRST_SIGNS = ("analysis", "commentary", "assistant")
_BRACKET = re.compile(
    r"\[(?:\||e~|(?-i:EOS|EOT))|\[\s*+/?+(?:(?:begin|start|end)[_ ](?:of[_ ])?+)?+"
    r"(?:think|thought|reasoning|INST|(?-i:ANALYSIS|SCRATCHPAD|DRAFT|FINAL))",
    re.IGNORECASE,
)
# gpt-oss without its special tokens; Granite
_BEGINS_THINKING = re.compile(
    r"\A\s*+(?:assistant)?+(?:analysis|commentary)(?=[A-Z{\[\"'\n])"
    r"|^[ \t>#*_]*+(?i:here(?: is|'s) my thought process:)",
    re.MULTILINE,
)
# "**Thinking:**", "## Step 1: Reasoning", "Thinking...", alone on their lines or before the thoughts
_BEFORE_HEAD = r"^[ \t>#*_]{0,9}+(?:step[ ]\d{1,2}+[:.)]?+[ ])?+"
_THINKING_HEAD = re.compile(
    rf"{_BEFORE_HEAD}(?:my )?(?:(?:thinking|thought|reasoning)(?: process| steps)?|thoughts|analysis|scratchpad|drafts?"
    r"|first draft|brainstorm(?:ing)?|planning|chain of thought|here are my reasoning steps)"
    r"(?:[*_]*+(?::|[ \t]*+$)|\.\.\.)",
    re.MULTILINE | re.IGNORECASE,
)
_FINAL_HEAD = re.compile(
    rf"{_BEFORE_HEAD}(?:(?P<sure>(?:the |my )?(?:final|revised)(?: (?:answers?|response|output|result|version|json"
    r"|draft|(?:qa |q&a )?pairs|questions?(?: and answers)?))?|here(?: is|'s) my (?:final )?response"
    r"|\.\.\.done thinking)|answers?|response|output|result|json)[*_]*+(?:[:.]|[ \t]*+$)[*_]*+",
    re.MULTILINE | re.IGNORECASE,
)
_PAIRS_BEGIN = re.compile(r"\s*+(?:[{\[]\s*+[\"'{\[]|```|[>#*_ ]*+(?:Q|(?i:question))[ ]?+\d{0,4}+[*_]*+[:.)])")
_QUESTION_LABEL = re.compile(
    r"^[ \t>#*_-]*+(?:\d{1,3}[.)] *+)?[*_]*+(?:Q|(?i:question)) ?+\d{0,4}+[*_]*+:", re.MULTILINE
)
# the interfaces of Open WebUI and others fold thoughts away
_FOLDED = re.compile(
    r"<details\b(?=[^<>]{0,200}?(?:type=[\"']?reasoning|>\s{0,9}<summary>[^<\n]{0,60}?(?:think|thought|reason)))"
    r"[^<>]{0,200}>",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"^[ \t]*+<!--", re.MULTILINE)
_ROLE = re.compile(r"\s*+(?:user|human|assistant|system|model|tool|ipython)\b", re.IGNORECASE)


@dataclass(slots=True)
class _Mark:
    kind: str
    """`open`, `close`, `channel`, `final`, `around` or `turn`."""
    start: int
    end: int
    name: str = ""
    quoted: bool = False
    """Whether it is text."""


def leave_out_reasoning(content: str) -> Spoken:
    """What a reply says, without thoughts, marks and later turns."""
    if "```" in content and _FENCE_OPENS.search(content):
        content = _FENCED.sub("", content)
        if _FENCE_OPENS.search(content):
            return Spoken((), unfinished=True)
    if _is_json(content):
        return Spoken((content,))
    for opens, closes in ((_FOLDED, "</details>"), (_COMMENT, "-->")):
        kept = _cut_out(content, opens, closes) if "<" in content else content
        if kept is None:
            return Spoken((), unfinished=True)
        content = kept
    content = content[_find_final_head(content) :]
    if not _may_have_marks(content):
        return Spoken((content,))
    marks = [mark for mark in _find_marks(content) if not mark.quoted]
    if any(mark.kind == "channel" for mark in marks):
        return _read_channels(content, marks)
    thinks = _BEGINS_THINKING.search(content)
    finals = [mark for mark in marks if mark.kind == "final" and (thinks or mark.name.startswith(("assistant", "[")))]
    if thinks and not finals:
        return Spoken((), unfinished=True)
    start = finals[-1].end if finals else 0
    return _read_blocks(content, [mark for mark in marks if mark.start >= start], start, len(content))


def _cut_out(content: str, opens: re.Pattern[str], closes: str) -> str | None:
    """The text with an empty thought for each block between these marks; None if the last of them is not closed."""
    kept, at = [], 0
    while opened := opens.search(content, at):
        end = content.find(closes, opened.end())
        if end < 0:
            return None
        kept += [content[at : opened.start()], "<think></think>"]
        at = end + len(closes)
    return "".join([*kept, content[at:]])


def _find_final_head(content: str) -> int:
    """Where a reply begins whose thoughts stand below a heading of their own, and it below the next; 0 for any other.
    A bare "Answer:" may be that of a pair, and the heading of the reply only where pairs follow or no question is."""
    heads = list(_FINAL_HEAD.finditer(content))
    if not heads:
        return 0
    thinks = _THINKING_HEAD.search(content)
    asks = _QUESTION_LABEL.search(content) is not None
    end = len(content.rstrip())
    for head in reversed(heads):
        begins = _PAIRS_BEGIN.match(content, head.end()) is not None
        belongs = begins or not asks or head.end() >= end
        if (thinks and thinks.start() < head.start() and belongs) or (head["sure"] and begins):
            return head.end()
    return 0


def _may_have_marks(content: str) -> bool:
    """A quick look: nine of ten replies have none."""
    return (
        any(sign in content for sign in _SIGNS)
        or content.lstrip().startswith(_FIRST_SIGNS)
        or _BRACKET.search(content) is not None
    )


def _is_json(content: str) -> bool:
    """Whether a reply is one value of JSON: whatever looks like a mark stands within its strings."""
    if not content.lstrip().startswith(("{", "[")):
        return False
    for load in (orjson.loads, _load_loosely):
        with contextlib.suppress(ValueError, RecursionError):
            load(content)
            return True
    return False


_load_loosely = partial(json.loads, strict=False)


def _find_marks(content: str) -> list[_Mark]:
    """All marks, in order."""
    marks: list[_Mark] = []
    opened: dict[str, int] = {}  # where the latest quotation mark of each kind stands on this line
    for token in _TOKEN.finditer(content):
        if token["escape"]:
            continue
        quote = token["quote"]
        if quote is None:
            marks.append(_Mark(_name_kind(token), *token.span(), name=token["channel"] or token["final"] or ""))
        elif quote == "\n":
            opened.clear()
        else:
            if quote in opened and marks and marks[-1].start > opened[quote]:
                _note_quoted(content, marks, opened[quote], token.start())
            opened[quote] = token.start()
    return marks


def _name_kind(token: re.Match[str]) -> str:
    for kind in ("channel", "final", "around", "turn"):
        if token[kind]:
            return kind
    if token["said"]:
        return "close"
    if token["gemma"]:
        return "close" if token["gemma"].startswith("<channel") else "open"
    if token["alone"]:
        return "around"
    sides = {(token[name] or "").lower() for name in _SIDES}
    return "close" if sides & {"/", "end"} else "open"


def _note_quoted(content: str, marks: list[_Mark], start: int, end: int) -> None:
    """Two quotation marks of a kind follow each other on a line: what stands between them is text if they hold a string
    of JSON, or nothing but the mark."""
    before = content[max(0, start - 40) : start].rstrip(" \t\r\n")
    after = content[end + 1 : end + 41]
    opens = before[-1:] in ("{", "[", ",", ":", ">") if before else start <= 40
    closes = after[:1] in ("", "\n", "\r") or after.lstrip()[:1] in (",", ":", "}", "]")
    for mark in reversed(marks):
        if mark.start < start:
            break
        mark.quoted = mark.quoted or (opens and closes) or (mark.start == start + 1 and mark.end == end)


def _read_channels(content: str, marks: list[_Mark]) -> Spoken:
    """The replies of gpt-oss, in its own words `final`; what it says on other channels is thought."""
    pieces: list[str] = []
    unfinished = True
    for index, mark in enumerate(marks):
        if mark.kind != "channel":
            continue
        ends = (at for at in range(index + 1, len(marks)) if marks[at].kind in ("channel", "turn"))
        last = next(ends, len(marks))
        unfinished = last == len(marks) and mark.name.lower() != "final"
        if mark.name.lower() == "final":
            end = marks[last].start if last < len(marks) else len(content)
            spoken = _read_blocks(content, marks[index + 1 : last], mark.end, end)
            unfinished = spoken.unfinished
            pieces += spoken.pieces
    return Spoken((), unfinished=True) if unfinished else Spoken(tuple(pieces))


def _read_blocks(content: str, marks: list[_Mark], start: int, end: int) -> Spoken:
    """What stands outside of the blocks of thought between two places of a reply."""
    pieces: list[str] = []
    piece: list[str] = []
    depth, at = 0, start
    spoken = False
    for mark in marks:
        if mark.kind == "open":
            if depth == 0:
                pieces.append("".join([*piece, content[at : mark.start]]))
                spoken = spoken or bool(pieces[-1].strip())
                piece = []
            depth += 1
        elif mark.kind == "close":
            if depth == 0:
                # some chat templates write the first mark themselves: an end alone ends what stands before it
                pieces, piece, spoken = [], [], False
            depth, at = max(0, depth - 1), mark.end
        elif depth == 0 and mark.kind in ("around", "turn"):
            said = content[at : mark.start]
            spoken = spoken or bool(said.strip())
            if mark.kind == "around":
                piece.append(said)
                at = mark.end
            elif not spoken:
                role = _ROLE.match(content, mark.end, end)
                at = role.end() if role else mark.end
            elif not _is_mentioned(content, mark, end):
                end = mark.start
                break
    if depth:
        return Spoken((), unfinished=True)
    return Spoken((*pieces, "".join([*piece, content[at:end]])))


def _is_mentioned(content: str, mark: _Mark, end: int) -> bool:
    """Whether a mark of a turn's end stands within a sentence: a space before it, and words after it on its line."""
    rest = content[mark.end : min(end, mark.end + 40)].split("\n", maxsplit=1)[0]
    return content[mark.start - 1 : mark.start] in (" ", "(") and bool(rest.strip()) and _ROLE.match(rest) is None
