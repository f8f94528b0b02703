"""The filters of `curate`: each looks at one pair and returns None to keep it, or the reason to drop it.

A filter is a frozen model: its fields are its configuration (`{kind: length, max_answer_chars: 600}`), its `judge`
is the rule. To add one, write the class, give it a new `kind`, and name it in `AnyFilter` at the end of the file.

Two habits. What is printed on the page is no leak and no refusal: the published dataset lost `$3.5 million`, `U.S.`,
e-mail addresses and citations to expressions meant for code. And every expression has bounded repeats only, since it
meets whatever a model writes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Annotated, ClassVar, Literal, TypeAlias, overload

from pydantic import Field, SerializeAsAny

from docmatix.core.documents import Page
from docmatix.core.kinds import Kind, OneOf
from docmatix.core.pairs import Evidence, Pair, Scores
from docmatix.curation.terms import has_content
from docmatix.text.languages import is_in_language
from docmatix.text.pieces import join_pieces, split_pieces


class KeptPairs(Sequence[Pair]):
    """Pairs in the order they were kept, also found by their question and by their answer."""

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._pairs: list[Pair] = []
        self._questions: set[str] = set()
        self._by_answer: dict[str, list[Pair]] = {}
        for pair in pairs:
            self.add(pair)

    def add(self, pair: Pair) -> None:
        """Keep one more."""
        self._pairs.append(pair)
        self._questions.add(_fold(pair.question))
        self._by_answer.setdefault(_fold(pair.answer), []).append(pair)

    def has_question(self, question: str) -> bool:
        """Whether this question was kept, but for case, punctuation and spaces."""
        return _fold(question) in self._questions

    def with_answer(self, answer: str) -> Iterator[Pair]:
        """The pairs with this answer, but for case, punctuation and spaces, the latest first."""
        return reversed(self._by_answer.get(_fold(answer), []))

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> list[Pair]: ...
    def __getitem__(self, index: int | slice) -> Pair | list[Pair]:
        return self._pairs[index]

    def __len__(self) -> int:
        return len(self._pairs)


@dataclass(frozen=True, slots=True)
class FilterContext:
    """What a filter may look at besides the pair itself."""

    pages: Sequence[Page] = ()
    scores: Scores = field(default_factory=Scores)
    evidence: Sequence[Evidence] = ()
    language: str | None = None
    examples: Sequence[str] = ()
    """Questions and answers that the pair's prompt shows the model as examples."""
    earlier: Sequence[Pair] = ()
    """Pairs of the same document that are already kept; `KeptPairs` where there may be many."""

    @property
    def is_printed(self) -> bool:
        """Whether the answer stands on a page as it is."""
        return self.scores.grounding == 1.0

    def prints(self, text: str) -> bool:
        """Whether a page has exactly these characters."""
        return any(text in page.text for page in self.pages)


class Filter(Kind):
    """The shape of a filter: settings as fields, the rule as `judge`."""

    family: ClassVar[str] = "filter"

    styles: tuple[str, ...] = ()
    """Only pairs of these styles are judged; without any, all are."""

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        """None to keep the pair, else the reason (one to three words, snake case) it is dropped for."""
        raise NotImplementedError

    def describe_settings(self) -> dict[str, str]:
        """The settings by name, as text for people; those that are empty are left out."""
        told = {name: value for name, value in self.model_dump(mode="json").items() if name != "kind"}
        return {
            name: " ".join(map(str, value)) if isinstance(value, list) else str(value)
            for name, value in told.items()
            if value not in ([], None)
        }


class Length(Filter):
    """Bounds on the characters of question and answer; an empty one is `empty`, and so is an answer of punctuation
    alone (`###`, `,`), or of other signs that no page prints: a ticked box may be asked for."""

    kind: Literal["length"] = "length"
    min_question_chars: int = 8
    max_question_chars: int = 400
    min_answer_chars: int = 1
    max_answer_chars: int = 1200

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        question, answer = pair.question.strip(), pair.answer.strip()
        if not question or not answer:
            return "empty"
        if not split_pieces(answer) and not (_has_sign(answer) and context.prints(answer)):
            return "empty"
        if len(question) < self.min_question_chars or len(answer) < self.min_answer_chars:
            return "too_short"
        if len(question) > self.max_question_chars or len(answer) > self.max_answer_chars:
            return "too_long"
        return None


def _has_sign(text: str) -> bool:
    return any(unicodedata.category(character).startswith("S") for character in text)


# --- form -------------------------------------------------------------------------------------------------------------

# Latin, full width, Arabic, Greek (as its own character), Armenian, Ethiopic, Coptic, Vai, and Spanish in front
_QUESTION_MARK = re.compile("[?？؟\u037e\u055e\u1367\u2cfa\ua60f¿⁇⁈⁉]")
_ASKING = re.compile(
    r"""(?ix) ^\W* (?:(?:please|kindly|briefly|now)\W+)? (?:
    (?: what | who | whom | whose | when | where | which | why | how | is | are | was | were | do | does | did
    | describe | explain | identify | list | summari[sz]e | provide | define | discuss | outline | compare | contrast
    | calculate | compute | determine | specify | extract | enumerate | analy[sz]e | evaluate | elaborate | tell | give
    ) \b
    # these open titles too (`State of New York`, `May 2019`), where a capital or a number follows
    | (?: can | could | should | shall | will | would | has | have | had | may | might | name | state | find | mention
    | write | show | indicate | quote | count | report | select | choose | locate | infer | interpret | transcribe
    ) \ (?!of\b) (?-i:[a-z])
    | (?: in | on | at | by | for | from | to | of | with | under | according\ to | based\ on | as\ of ) \b .{0,80} \b
    (?: what | whom? | whose | which | when | where | how ) \b
    )"""
)


_UNFINISHED = re.compile(r"(?i)\b(?:an?|the|and|or|than|between|among|whose|its|their)\W{0,4}$")


class QuestionForm(Filter):
    """The question asks or requests something, and is not cut off: `not_a_question`.

    A question mark of any script will do. Without one, English must open with a question word or a request, and not
    end in a word that others must follow; in other languages the rule cannot tell a request from a statement, and
    keeps it.
    """

    kind: Literal["question_form"] = "question_form"

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        if not split_pieces(pair.question):
            return "not_a_question"
        if _QUESTION_MARK.search(pair.question) or context.language not in (None, "en"):
            return None
        asks = _ASKING.search(pair.question) and not _UNFINISHED.search(pair.question)
        return None if asks else "not_a_question"


_SOURCE = (
    "(?:the|this|that|these) (?:(?:provided|given|above|following|supplied|available) )?(?:documents?|texts?|passages?"
    "|pages?|contexts?|excerpts?|pdf|content|images?|information|source|snippet|article)"
)
_GIVEN = "(?:mentioned|specified|stated|provided|given|included|present|available|found|disclosed|indicated|contained)"
_IN_SOURCE = f"(?:in|by|within|on|from) {_SOURCE}"
_CANNOT = "(?:cannot|can't|can not|could not|couldn't)"
_NOT = "(?: not|n't)"
_UNANSWERABLE = re.compile(r"(?i)^\W*(?:(?:the|this) (?:question|answer) is |it is )?un-?answerable\b")
_REFUSALS = (
    rf"\bthis question (?:is un-?answerable|{_CANNOT} be answered)",
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model|(?:virtual|text-based) assistant)\b",
    r"\bI(?: am|'m) (?:(?:very |so )?sorry|(?:un|not )able to|(?:just )?an? (?:ai|(?:large )?language model))\b",
    r"^\W*(?:sorry|apologies|I apologi[sz]e)\b",
    rf"\bI (?:{_CANNOT}|do not|don't) (?:\w{{1,12}} ){{0,2}}(?:answer|determine|find|provide|help|assist|identify"
    r"|fulfil+|generate|create|access|see|view|have|infer)\b",
    rf"\b(?:is|are|was|were){_NOT} (?:\w{{1,12}} )?{_GIVEN} (?:\w{{1,12}} ){{0,2}}{_IN_SOURCE}",
    rf"^\W*not (?:\w{{1,12}}ly )?{_GIVEN}(?:\W*$| {_IN_SOURCE})",
    rf"\b{_SOURCE} (?:itself )?(?:does|did|do){_NOT} (?:\w{{1,12}}ly )?(?:mention|specify|state|provide|contain|include"
    "|say|give|indicate|discuss|have|offer|disclose|address|describe)",
    rf"\b{_CANNOT} be (?:\w{{1,12}}ly )?(?:determined|answered|inferred|identified)"
    r"(?:\W*$| (?:from|based|with|without|using|by)\b)",
    r"\b(?:not enough|insufficient) (?:information|context|data|details?)\b",
    r"(?:\b(?:there is|there's) |^\W*)no (?:\w{1,12} )?(?:information|mention|answer|data|details?)\b"
    rf"(?:\W*$| (?:[^ ]{{1,20}} ){{0,8}}{_IN_SOURCE}| (?:is |was )?{_GIVEN}\W*$)",
)
_REFUSAL = re.compile("|".join((_UNANSWERABLE.pattern, *_REFUSALS)))


class Refused(Filter):
    """The model declined, or said that the text does not say: `refusal`.

    An answer that is printed on the page is none, even if it reads like one.
    """

    kind: Literal["refusal"] = "refusal"

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        if _UNANSWERABLE.search(pair.question):
            return "refusal"
        answer = " ".join(pair.answer.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
        return "refusal" if _REFUSAL.search(answer) and not context.is_printed else None


_LABEL = re.compile(r"(?i)^\W*(?:(?:q(?:uestion)?|a(?:nswer)?)\s{0,2}#?\d{0,3}|user|assistant|system|human)\s{0,2}:")
_LEAK = re.compile(
    r"""(?ix)
    # chat templates
    <\|[^|<>\n]{0,60}\|> | <\| | \|> | \[/?(?:inst|sys|assistant|user)\] | <</?sys>> | </?s> | <0x[0-9a-f]{2}>
    | <(?:bos|eos|pad|unk|mask)> | </?(?:start|end)_of_(?:turn|text|image)>
    | </?(?:think|thinking|answer|question|context|document|output|tool_call)>
    # labels of the reply format
    | (?m:^)[ \t]{0,8}\#{1,6}[ ]{0,2}(?:instruction|response|question|answer|assistant|human|user|system|output)s?\b
    | (?m:^)[ \t]{0,8}(?:q|a|question|answer)[ ]?\#?\d{1,3}[ ]{0,2}:
    | \n[ \t]{0,8}(?:question|answer|user|assistant)[ ]{0,2}:
    # JSON
    | "(?:questions?|answers?|q|a|text|value|content|role|pairs?|qa_pairs|reason(?:ing)?)"\s{0,4}:
    | ^\s{0,8}(?:\{\s{0,8}"|\[\s{0,8}[{"]) | "\s{0,8}[}\]]{1,2}[\s,]{0,8}$ | \\n(?-i:(?![a-z])) | \\u[0-9a-f]{4} | \\"
    # code fences, Jinja
    | ``` | ~~~ | \{\{ | \}\} | \{% | %\}
    # HTML
    | </?(?:p|br|b|i|u|em|strong|div|span|table|thead|tbody|t[rdh]|[uo]l|li|a|h[1-6]|sup|sub|code|pre|html|body|head
      |img|hr|font|center|script|style|title|form|input|button|blockquote)(?:\s[^<>]{0,300})?/?>
    | &(?:amp|lt|gt|quot|apos|nbsp|\#\d{1,5}|\#x[0-9a-f]{1,5});
    """
)


class Markup(Filter):
    """Leftovers of the chat template, the reply format, JSON, code fences, Jinja or HTML: `markup`.

    Characters that a page prints are no leftovers (`Q1: $5 m` in a quarterly report), save for a label in front of the
    question.
    """

    kind: Literal["markup"] = "markup"

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        if _LABEL.match(pair.question):
            return "markup"
        label = _LABEL.match(pair.answer)
        found = [match[0] for text in (pair.question, pair.answer) for match in _LEAK.finditer(text)]
        leaks = ([label[0]] if label else []) + found
        # each distinct one is looked for on the pages, so their number is bounded
        return "markup" if any(not context.prints(leak.strip()) for leak in list(dict.fromkeys(leaks))[:16]) else None


_THE_TEXT = "(?:text|context|passage|content|information|paragraph)"
_TALK_OF_TEXT = re.compile(
    r"(?i)\b(?:the|this) (?:passage|excerpt|snippet)\b"
    rf"|\b{_THE_TEXT} (?:above|below|provided|given)\b"
    rf"|\b(?:provided|given|above|following|preceding|supplied|extracted) {_THE_TEXT}\b"
    r"|\b(?:according to|based on|as (?:mentioned|stated|described) in|in|from) the (?:text|context|content)\b"
)


class References(Filter):
    """The question speaks of the text the model was given, which the reader of a page does not have: `refers_to_text`.

    `the document`, `the page`, `the table` may be spoken of: they are in sight.
    """

    kind: Literal["references"] = "references"

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        found = _TALK_OF_TEXT.search(pair.question)
        return "refers_to_text" if found and not context.prints(found[0]) else None


class Language(Filter):
    """Question and answer are in the document's language, or in `language`: `wrong_language`.

    Short texts are kept in doubt; an answer is judged from `min_answer_chars`, unless it is printed on the page.
    """

    kind: Literal["language"] = "language"
    language: str | None = None
    """ISO 639-1; without it, the language of the document."""
    min_answer_chars: int = 60

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        language = self.language or context.language
        if language is None:
            return None
        if is_in_language(pair.question, language) is False:
            return "wrong_language"
        if len(pair.answer) < self.min_answer_chars or context.is_printed:
            return None
        return "wrong_language" if is_in_language(pair.answer, language) is False else None


# --- repetition -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    return join_pieces(split_pieces(text))


@lru_cache(maxsize=4096)
def _piece_set(text: str) -> frozenset[str]:
    return frozenset(split_pieces(text))


def measure_overlap(one: str, other: str) -> float:
    """Jaccard similarity of the words of two texts, 0..1; two texts without words have 0."""
    a, b = _piece_set(one), _piece_set(other)
    return len(a & b) / len(a | b) if a and b else 0.0


class CopiesExample(Filter):
    """Question or answer is one of the examples that the prompt shows: `copies_example`.

    An answer may equal an example by chance: one that is printed on the page, or only says yes or no, is kept.
    """

    kind: Literal["copies_example"] = "copies_example"
    min_overlap: float = Field(0.9, gt=0, le=1)
    """Jaccard similarity of the words, of texts of five words and more."""

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        texts = [pair.question]
        if not context.is_printed and has_content(pair.answer):
            texts.append(pair.answer)
        copied = any(self._is_copy(text, example) for text in texts for example in context.examples)
        return "copies_example" if copied else None

    def _is_copy(self, text: str, example: str) -> bool:
        if _fold(text) == _fold(example):
            return bool(_fold(text))
        return len(_piece_set(text)) >= 5 and measure_overlap(text, example) >= self.min_overlap


class Echo(Filter):
    """The answer says the question again (`answer_repeats_question`), or the question has the answer in it
    (`gives_answer_away`).
    """

    kind: Literal["echo"] = "echo"
    extractive_styles: tuple[str, ...] = ("extractive",)
    """Styles whose questions must not hold the answer. Long answers take up words of the question rightly."""
    min_overlap: float = Field(0.9, gt=0, le=1)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        question, answer = split_pieces(pair.question), split_pieces(pair.answer)
        if not question or not answer:
            return None
        if _contains(answer, question) and len(question) > 2:
            return "answer_repeats_question"
        if len(question) >= 5 and measure_overlap(pair.question, pair.answer) >= self.min_overlap:
            return "answer_repeats_question"
        if pair.style not in self.extractive_styles or not has_content(pair.answer) or _OFFERS.search(pair.question):
            return None
        return "gives_answer_away" if _contains(question, answer) else None


_OFFERS = re.compile(r"(?i)\b(?:or|oder|ou|o|eller|или|lub)\b|还是|または|それとも|أم")
"""`Is it leased or owned?` must name its answer."""


def _contains(pieces: Sequence[str], part: Sequence[str]) -> bool:
    # a character that no piece has parts the pieces
    return "\n" + "\n".join(part) + "\n" in "\n" + "\n".join(pieces) + "\n"


class Duplicate(Filter):
    """The document has this question already, or a similar one with the same answer: `duplicate`.

    Questions with other numbers are not similar (`in 2018`, `in 2019`), and a shared yes or no says nothing.
    """

    kind: Literal["duplicate"] = "duplicate"
    min_overlap: float = Field(0.7, gt=0, le=1)
    """Jaccard similarity of two questions' words from which they are one, if their answers are the same."""
    max_compared: int = Field(200, ge=1)
    """Of the kept pairs with the same answer, the latest ones that are compared."""

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        kept = context.earlier if isinstance(context.earlier, KeptPairs) else KeptPairs(context.earlier)
        if kept.has_question(pair.question):
            return "duplicate"
        if not has_content(pair.answer):
            return None
        same_answer = islice(kept.with_answer(pair.answer), self.max_compared)
        return "duplicate" if any(self._is_similar(pair.question, one.question) for one in same_answer) else None

    def _is_similar(self, question: str, other: str) -> bool:
        differing = _piece_set(question) ^ _piece_set(other)
        return not any(piece[0].isdigit() for piece in differing) and (
            measure_overlap(question, other) >= self.min_overlap
        )


# --- scores -----------------------------------------------------------------------------------------------------------


class Grounded(Filter):
    """The answer is on the pages: `ungrounded` below `min_score`.

    Kept if that cannot be computed: `Yes` is on no page, and on every one. Kept as well in a style whose answers are
    seen and not read: where a stamp stands, what a chart shows is in no text that could be searched. The score is
    recorded all the same.
    """

    kind: Literal["grounded"] = "grounded"
    exempt_styles: tuple[str, ...] = ("visual",)
    min_score: float = Field(0.6, ge=0, le=1)
    """1.0 is printed as it is; below, the share of its words that stand close together (see `grounding`)."""

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        if pair.style in self.exempt_styles:
            return None
        return _judge_score(context.scores.grounding, self.min_score, "ungrounded")


class RoundTrip(Filter):
    """Asked again, the question brings the answer back: `round_trip_failed` below `min_score`. Kept if not computed."""

    kind: Literal["round_trip"] = "round_trip"
    min_score: float = Field(0.5, ge=0, le=1)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        return _judge_score(context.scores.round_trip, self.min_score, "round_trip_failed")


class Clarity(Filter):
    """The question can be understood by itself: `unclear` below `min_score`. Kept if not computed."""

    kind: Literal["clarity"] = "clarity"
    min_score: float = Field(0.6, ge=0, le=1)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        return _judge_score(context.scores.clarity, self.min_score, "unclear")


def _judge_score(score: float | None, min_score: float, reason: str) -> str | None:
    return reason if score is not None and score < min_score else None


# --- all of them ------------------------------------------------------------------------------------------------------

FILTERS: tuple[type[Filter], ...] = (
    Length,
    Markup,
    Refused,
    QuestionForm,
    CopiesExample,
    Echo,
    References,
    Language,
    Grounded,
    RoundTrip,
    Clarity,
    Duplicate,
)
AnyFilter: TypeAlias = Annotated[SerializeAsAny[Filter], OneOf(Filter, FILTERS)]

DEFAULT_FILTERS: tuple[Filter, ...] = (
    Length(),
    Markup(),
    Refused(),
    QuestionForm(),
    CopiesExample(),
    Echo(),
    Language(),
    Grounded(),
    RoundTrip(),
    Clarity(),
    Duplicate(),
)
"""In the order in which they are asked: what is wrong with the words comes before what is wrong with the facts, so that
the ledger names the nearer cause."""


def judge_pair(pair: Pair, context: FilterContext, filters: Iterable[Filter]) -> str | None:
    """The reason of the first filter that drops the pair, or None to keep it."""
    for one in filters:
        if one.styles and pair.style not in one.styles:
            continue
        reason = one.judge(pair, context)
        if reason is not None:
            return reason
    return None
