"""What is asked about the facts of a window: drafts of all kinds, told apart over the window, chosen and worded.

A question that two facts would answer is made specific or not asked. Seeded by the window, without a model.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

from docmatix.core.documents import Page
from docmatix.core.draws import hash_seeded
from docmatix.prompting.questions import (
    amount,
    caption,
    cell,
    checkbox,
    field,
    heading,
    letter,
    list_items,
    page_number,
    table,
    title,
)
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, FactQuestion
from docmatix.prompting.questions.wordings import LANGUAGES, Wordings, load_wordings, rank_templates
from docmatix.text.languages import reads_english
from docmatix.text.pieces import fold, holds_pieces, split_once

KINDS: tuple[Callable[[AskedPages], Iterator[Draft]], ...] = (
    field.draft_questions,
    checkbox.draft_questions,
    cell.draft_questions,
    table.draft_questions,
    title.draft_questions,
    heading.draft_questions,
    list_items.draft_questions,
    caption.draft_questions,
    letter.draft_questions,
    page_number.draft_questions,
    amount.draft_questions,
)
"""What drafts questions; each is one file."""


class _Told(NamedTuple):
    """A draft, the plainest way to ask for it that is not ambiguous, the wordings of its page's language, and its
    first words in them."""

    draft: Draft
    asking: Asking
    wordings: Wordings
    words: str


def ask_facts(pages: Sequence[Page], *, language: str | None, key: str, seed: int, limit: int) -> list[FactQuestion]:
    """At most `limit` questions about the usable `pages` of one window, in page order. `language` is that of the
    document, `key` the window's id."""
    if not limit:
        return []
    by_language: dict[str | None, list[Page]] = {}
    for page in pages:
        if page.reason is None:
            by_language.setdefault(choose_language(page, language), []).append(page)
    drafts: list[tuple[Draft, Wordings]] = []
    for spoken, group in by_language.items():
        # pages that nobody words questions about are shown, too: what they say makes others ambiguous
        wordings = load_wordings(spoken or "en")
        assert wordings is not None
        asked = AskedPages(tuple(group), wordings.language, len(pages))
        found = (draft for find in KINDS for draft in find(asked))
        drafts += ((draft if spoken else draft._replace(asked=False), wordings) for draft in found)
    chosen = choose(tell_apart(drafts), limit=limit, key=key, seed=seed)
    return list(word_questions(chosen, key=key, seed=seed))


def choose_language(page: Page, language: str | None) -> str | None:
    """The language to ask about a page in: its own where it reads English, else its document's; None without
    wordings."""
    if reads_english(page.text):
        return "en"
    if language in (None, "la"):
        # tables, forms and code have too few words to tell, or pass for Latin; other letters make English a guess
        return "en" if all(map(str.isascii, filter(str.isalpha, page.text))) else None
    return language if language in LANGUAGES else None


def tell_apart(drafts: Iterable[tuple[Draft, Wordings]]) -> list[_Told]:
    """The drafts that can be asked, each with the plainest of its askings that has a single answer, by its topic and by
    its words: labels that differ may be asked for alike (`Phone`, `Telephone`; `Weight (net)`, `Weight (gross)`)."""
    worded = [
        (draft, wordings, [(asking, wordings.word(asking, 0).casefold()) for asking in draft.askings])
        for draft, wordings in drafts
    ]
    answers: dict[frozenset[str] | str, str] = {}
    several: set[frozenset[str] | str] = set()

    def note(asked: frozenset[str] | str, answer: str) -> None:
        if answers.setdefault(asked, answer) != answer:
            several.add(asked)

    for draft, _, askings in worded:
        answer = _normalise(draft.answer)
        for asking, words in askings:
            note(asking.topic, answer)
            note(words, answer)
        for topic in draft.rivals:
            note(topic, answer)
    told: list[_Told] = []
    for draft, wordings, askings in worded:
        if not (draft.asked and _is_sure(draft, wordings.language)):
            continue
        for asking, words in askings:
            if asking.topic not in several and words not in several:
                told.append(_Told(draft, asking, wordings, words))
                break
    return told


def _is_sure(draft: Draft, language: str) -> bool:
    """False for Korean of several lines, which may break within a word: nobody can tell where the spaces are."""
    return language != "ko" or all(len(each.boxes) < 2 for each in draft.evidence)


def _normalise(answer: str) -> str:
    return " ".join(answer.split()).casefold()


def choose(told: Sequence[_Told], *, limit: int, key: str, seed: int) -> list[_Told]:
    """At most `limit`, of as many kinds, sources, answer types, pages and facts as there are, each topic once; in page
    order."""
    drawn = sorted(
        told, key=lambda one: hash_seeded(seed, key, one.draft.kind, one.draft.answer, *sorted(one.asking.topic))
    )
    # of a table of a thousand cells no more need to be weighed than can be chosen
    held: Counter[tuple[str, str]] = Counter()
    seen: set[frozenset[str] | str] = set()
    pool: list[_Told] = []
    for one in drawn:
        if not seen.isdisjoint((one.asking.topic, one.words)) or held[one.draft.source, one.asking.form] >= limit:
            continue
        if any(not gives_away(said, one.draft) for said in _list_words(one)):
            seen |= {one.asking.topic, one.words}
            held[one.draft.source, one.asking.form] += 1
            pool.append(one)
    return sorted(_take_best(pool, limit), key=_place)


def _take_best(pool: Sequence[_Told], limit: int) -> list[_Told]:
    """At most `limit`, each the best beside those before it."""
    # marks are hashed once: those of places hold boxes
    numbers: dict[Hashable, int] = {}
    weights = [
        (one.draft.worth, [(numbers.setdefault(mark, len(numbers)), factor) for mark, factor in _list_marks(one)])
        for one in pool
    ]
    used = [0] * len(numbers)
    left = list(range(len(pool)))
    chosen: list[_Told] = []

    def weigh(number: int) -> float:
        worth, marks = weights[number]
        for mark, factor in marks:
            if count := used[mark]:
                worth *= factor**count
        return worth

    while left and len(chosen) < limit:
        best = max(left, key=weigh)
        left.remove(best)
        chosen.append(pool[best])
        for mark, _ in weights[best][1]:
            used[mark] += 1
    return chosen


def _list_words(one: _Told) -> Iterator[str]:
    return (one.wordings.word(one.asking, number) for number in range(len(one.wordings.list_templates(one.asking))))


def _list_marks(one: _Told) -> tuple[tuple[Hashable, float], ...]:
    """What a question shares with others, and by which factor each that was chosen before makes it worth less."""
    draft = one.draft
    first = draft.evidence[0] if draft.evidence else None
    return (
        (("kind", draft.kind), 0.75),
        (("form", one.asking.form), 0.85),
        (("source", draft.source), 0.75),
        (("type", draft.answer_type), 0.93),
        (("page", first.page if first else 0), 0.9),
        (("answer", _normalise(draft.answer)), 0.3),
        (("place", first and first.page, first and first.boxes[:1]), 0.3),
    )


def _place(one: _Told) -> tuple[int, float, float, str]:
    if not one.draft.evidence or not one.draft.evidence[0].boxes:
        return 0, 0.0, 0.0, one.draft.answer
    first = one.draft.evidence[0]
    return first.page, first.boxes[0].y0, first.boxes[0].x0, one.draft.answer


def word_questions(chosen: Iterable[_Told], *, key: str, seed: int) -> Iterator[FactQuestion]:
    """Each by the template that this window has used least, and that does not give away the answer."""
    used: dict[Sequence[str], Counter[int]] = defaultdict(Counter)
    for draft, asking, wordings, _ in chosen:
        templates = wordings.list_templates(asking)
        place = f"{key}/{draft.kind}/{'/'.join(sorted(asking.topic))}"
        count = used[templates]
        for number in rank_templates(len(templates), seed=seed, key=place, used=count):
            question = wordings.word(asking, number)
            if not gives_away(question, draft):
                count[number] += 1
                name = f"{wordings.language}/{_name_form(asking, wordings)}/{number}"
                yield FactQuestion(
                    draft.kind, question, draft.answer, draft.answer_type, draft.evidence, name, asking.slots
                )
                break


def _name_form(asking: Asking, wordings: Wordings) -> str:
    known = wordings.find_known(asking) is not None
    return f"known.{fold(asking.slots['label'])}" if known else asking.form


def gives_away(question: str, draft: Draft) -> bool:
    """Whether the answer stands in its question; yes and no cannot."""
    if draft.answer_type == "yes_no":
        return False
    return holds_pieces(split_once(question), split_once(draft.answer))
