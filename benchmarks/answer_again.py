"""Whether the embedded model tells right answers from wrong ones by answering again, and what it answers without pages.

    python -m benchmarks.answer_again [--documents 26] [--languages en de] [--seed N] [--per-page 6] [--show]

Documents of one page are drawn whose truth is known (`benchmarks.truth_factory`); pairs are made from their facts, and
those that the truth calls right are asked again by `verify`, with the page and without. Three wrong answers are put
beside each right one where there are such: another value of the page, a value of another document, and the number off
by 8 %. A second answer never sees the first, so that one reply tells of all four.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import docmatix
from benchmarks.truth import read
from benchmarks.truth_factory.drawn import LANGUAGES, Drawn
from benchmarks.truth_factory.factory import draw_documents
from benchmarks.truth_factory.questions import find_truth
from docmatix.config import Window
from docmatix.dataset.scores import estimate_share
from docmatix.pipeline import GENERATE, VERIFY
from docmatix.prompting.questions.asking import ask_facts
from docmatix.prompting.windows import cut_windows
from docmatix.storage.run import Run
from docmatix.verification.agreement import compare_answers, is_not_answerable

DEVELOPMENT_SEED = 1
MIN_SCORE = 0.5
"""That of the filter `agrees`."""
OFF = 1.08
MODEL = {"kind": "llamacpp", "model": "smollm2-135m", "slots": 2, "max_in_flight": 2}
"""A slot for each check, which then reads the pages of a window once for all its questions."""


@dataclass
class AskedPair:
    """A right pair, the two second answers, and wrong answers by the kind of fault."""

    document: str
    language: str
    page: int
    kind: str
    question: str
    answer: str
    again: str | None = None
    blind: str | None = None
    wrong: dict[str, str] = field(default_factory=dict)

    def agrees(self, answer: str, reply: str) -> bool:
        found = compare_answers(answer, reply, question=self.question, language=self.language)
        return found.score >= MIN_SCORE


def build(documents: Sequence[Drawn], folder: Path, per_page: int) -> Run:
    """Build up to the end, the pairs from facts alone, all of which are checked."""
    pdfs = folder / "pdfs"
    pdfs.mkdir()
    for number, drawn in enumerate(documents):
        (pdfs / f"{number:04}.pdf").write_bytes(drawn.pdf)
    config = {
        "name": "answer-again",
        "source": {"kind": "files", "paths": [str(pdfs)]},
        "plan": {"documents_per_shard": 2},
        "extract": {"ocr": {"kind": "none"}},
        "generate": {"engine": {"kind": "none"}, "pairs_per_page": per_page},
        "verify": [
            {"kind": "answer_again", "prompts": ["facts"], "engine": MODEL, "sampling": {"max_tokens": 32}},
            {"kind": "answer_blind", "prompts": ["facts"], "engine": MODEL, "sampling": {"max_tokens": 32}},
        ],
        "pack": {"dpi": 36},
        "resources": {"shards_in_flight": 1},
    }
    docmatix.build(config, run=folder / "run")
    return Run(folder / "run")


def list_right(documents: Sequence[Drawn], per_page: int) -> Iterator[AskedPair]:
    """What the build asks from facts, as far as the truth calls it right."""
    for drawn in documents:
        document = read(drawn.pdf)
        if document is None:
            continue
        for window in cut_windows(document.doc_id, document.pages, max_pages=Window().max_pages):
            limit = per_page * sum(page.reason is None for page in window.pages)
            facts = [fact for fact in drawn.facts if fact.page in window.page_numbers]
            for one in ask_facts(window.pages, language=document.language, key=window.sample_id, seed=0, limit=limit):
                if find_truth(one, facts):
                    page = one.evidence[0].page
                    yield AskedPair(document.doc_id, drawn.language, page, one.kind, one.question, one.answer)


def read_replies(run: Run, pairs: Sequence[AskedPair]) -> list[AskedPair]:
    """The pairs with what was answered to them."""
    wanted = {(pair.document, pair.question, pair.answer): pair for pair in pairs}
    for shard in run.shards(VERIFY):
        made = {
            pair["pair_id"]: (row["doc_id"], pair["question"], pair["answer"])
            for row in run.iterate_rows(GENERATE, shard, columns=["doc_id", "pairs"])
            for pair in row["pairs"] or ()
        }
        for row in run.iterate_rows(VERIFY, shard, columns=["pair_id", "requests"]):
            pair = wanted.get(made[row["pair_id"]])
            if pair is None:
                continue
            for asked in row["requests"]:
                if asked["check"] == "answer_again":
                    pair.again = asked["reply"]
                else:
                    pair.blind = asked["reply"]
    return [pair for pair in pairs if pair.again is not None]


def plant_wrong(pairs: Sequence[AskedPair], seed: int) -> None:
    """Give every pair the wrong answers that it can have."""
    draw = random.Random(f"answer again {seed}")
    by_kind: dict[str, list[AskedPair]] = defaultdict(list)
    for pair in pairs:
        by_kind[pair.kind].append(pair)
    for pair in pairs:
        others = [one for one in by_kind[pair.kind] if _differ(pair.answer, one.answer)]
        here = [one.answer for one in others if (one.document, one.page) == (pair.document, pair.page)]
        elsewhere = [one.answer for one in others if one.document != pair.document and one.language == pair.language]
        wrong = {
            "another value of the page": draw.choice(here) if here else None,
            "another document's value": draw.choice(elsewhere) if elsewhere else None,
            "a number off by 8 %": put_off(pair.answer),
        }
        pair.wrong = {fault: answer for fault, answer in wrong.items() if answer}


_AMOUNT = re.compile(
    r"(?<![\d.,/:-])\d{1,3}(?:[.,\s]?\d{3})*[.,]\d{1,2}(?![\d.,/:-])|(?<![\w.,/:-])\d{2,3}(?![\w.,/:-])"
)


def put_off(answer: str) -> str | None:
    """The answer with its only number larger by 8 %, its signs as they were; None if it has none or several."""
    found = [*_AMOUNT.finditer(answer)]
    if len(found) != 1 or len(re.findall(r"\d+", answer.replace(found[0][0], ""))):
        return None
    amount = found[0][0]
    digits = re.sub(r"\D", "", amount)
    larger = str(round(int(digits) * OFF))
    if len(larger) != len(digits) or not 0.07 <= int(larger) / int(digits) - 1 <= 0.09:
        return None
    put = iter(larger)
    return answer.replace(amount, "".join(next(put) if sign.isdigit() else sign for sign in amount))


def _differ(one: str, other: str) -> bool:
    first, second = (re.sub(r"\W+", "", text).casefold() for text in (one, other))
    if first.isdigit() and second.isdigit():
        return abs(int(first) - int(second)) > 0.12 * max(int(first), int(second))
    return first not in second and second not in first


def tell(hits: Sequence[bool]) -> str:
    """A share with its interval, and of how many."""
    if not hits:
        return ""
    low, high = estimate_share(sum(hits), len(hits))
    return f"{sum(hits) / len(hits):.0%} ({low:.0%} to {high:.0%}) of {len(hits)}"


def print_groups(title: str, groups: dict[str, list[AskedPair]]) -> None:
    print(f"\n| {title} | right ones agree | wrong ones agree | without pages, right ones agree | “not answerable” |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, pairs in groups.items():
        right = [one.agrees(one.answer, one.again or "") for one in pairs]
        wrong = [one.agrees(answer, one.again or "") for one in pairs for answer in one.wrong.values()]
        blind = [one.agrees(one.answer, one.blind or "") for one in pairs]
        refused = sum(is_not_answerable(one.again or "") for one in pairs)
        print(f"| {name} | {tell(right)} | {tell(wrong)} | {tell(blind)} | {refused} |")


def print_faults(pairs: Sequence[AskedPair]) -> None:
    print("\n| wrong answers | agree |\n| --- | ---: |")
    for fault in sorted({fault for one in pairs for fault in one.wrong}):
        hits = [one.agrees(one.wrong[fault], one.again or "") for one in pairs if fault in one.wrong]
        print(f"| {fault} | {tell(hits)} |")


def group(pairs: Sequence[AskedPair], name: str) -> dict[str, list[AskedPair]]:
    groups: dict[str, list[AskedPair]] = defaultdict(list)
    for pair in pairs:
        groups[getattr(pair, name)].append(pair)
    return {key: groups[key] for key in sorted(groups)}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.answer_again", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--documents", type=int, default=26)
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    parser.add_argument("--languages", nargs="*", choices=LANGUAGES, default=LANGUAGES)
    parser.add_argument("--per-page", type=int, default=6)
    parser.add_argument("--run", type=Path, help="a folder to keep what was built, or that has it")
    parser.add_argument("--show", action="store_true", help="list questions, answers and second answers")
    given = parser.parse_args()
    drawn = draw_documents(3 * given.documents * len(LANGUAGES), given.seed)
    fitting = (one for one in drawn if one.pages == 1 and one.language in given.languages)
    documents = list(islice(fitting, given.documents))
    right = list(list_right(documents, given.per_page))
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.run or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(folder / "run") if (folder / "run").exists() else build(documents, folder, given.per_page)
        pairs = read_replies(run, right)
    plant_wrong(pairs, given.seed)
    print(f"seed {given.seed}: {len(documents)} documents, {len(pairs)} right pairs asked again")
    print_groups("questions", {**group(pairs, "kind"), "**all**": pairs})
    print_groups("language", group(pairs, "language"))
    print_faults(pairs)
    if given.show:
        for one in pairs:
            print(f"{one.kind} | {one.question} | {one.answer!r} | {one.again!r} | {one.blind!r} | {one.wrong}")


if __name__ == "__main__":
    main()
