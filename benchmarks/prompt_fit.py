"""What a build asks a vision model, by prompt: drawing among all prompts, and among those that fit each window.

    python -m benchmarks.prompt_fit ../shared/corpus/documents [--max-pages 4] [--show]

Nothing is sent. Pages are read as without OCR, so scans are image-only.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from docmatix.core.documents import Document, Refusal
from docmatix.facts.extraction import find_facts
from docmatix.facts.profile import profile_page
from docmatix.models.openai import OpenaiEngine
from docmatix.pdf.reading import read_pages
from docmatix.pdf.settings import Extract
from docmatix.prompting.draws import DrawCounts, PromptDraw
from docmatix.prompting.planned_requests import plan_requests
from docmatix.prompting.prompt_files import load_prompts
from docmatix.prompting.prompts import Prompt, find_fitting
from docmatix.prompting.windows import Window, cut_windows

PROMPTS = ("vision_charts", "vision_tables", "vision_layout", "vision_marks")
ENGINE = OpenaiEngine(kind="openai", model="none", base_url="http://localhost:1/v1", vision=True)
SHIPPED = Path(__file__).parents[1] / "prompts"


@dataclass
class Asked:
    """How many windows each prompt was drawn for, and how many requests it would send."""

    windows: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)

    def add(self, window: Window, prompts: list[Prompt], *, language: str | None) -> None:
        for prompt in prompts:
            planned = plan_requests(window, prompt, engine=ENGINE, seed=0, max_candidates=0, language=language)
            self.windows[prompt.name] += 1
            self.requests[prompt.name] += sum(1 for _ in planned)


def read_profiled(pdf: bytes) -> Document | None:
    """The document with the facts and the profile of each page; None if it cannot be read."""
    read = read_pages(pdf, settings=Extract(), with_drawings=True)
    if isinstance(read, Refusal):
        return None
    usable = [each for each in zip(read.document.pages, read.drawings, strict=True) if each[0].reason is None]
    found = iter(find_facts([page for page, _ in usable], [drawing for _, drawing in usable]))
    pages = [page if page.reason else next(found) for page in read.document.pages]
    return replace(
        read.document,
        pages=tuple(
            replace(
                page,
                profile=profile_page(page, drawing),
                text_from="none" if page.reason else "layer",
            )
            for page, drawing in zip(pages, read.drawings, strict=True)
        ),
    )


def iterate_documents(folder: Path) -> Iterator[tuple[Path, Document]]:
    for path in sorted(folder.rglob("*.pdf")):
        if (document := read_profiled(path.read_bytes())) is not None:
            yield path, document


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.prompt_fit", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--max-pages", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="list each window with the prompts that fit it")
    given = parser.parse_args()
    prompts = list(load_prompts(PROMPTS, [SHIPPED]).values())
    draw = PromptDraw(prompts, {}, seed=given.seed, count=1)
    counts, blind, fitting = DrawCounts(), Asked(), Asked()
    documents = windows = pages = moved = 0
    for path, document in iterate_documents(given.folder):
        documents += 1
        for window in cut_windows(document.doc_id, document.pages, max_pages=given.max_pages, pictures=True):
            windows += 1
            pages += len(window.list_shown(pictures=True))
            counts.add_window(window, pictures=True)
            chosen, drawn = draw.draw(window, language=document.language)
            moved += bool(chosen) and chosen[0].name != drawn[0].name
            blind.add(window, drawn, language=document.language)
            fitting.add(window, chosen, language=document.language)
            if given.show:
                fits = [one.name for one in find_fitting(prompts, window, language=document.language)]
                print(f"{path.name} {window.page_numbers}: {', '.join(fits) or 'none'}")
    print(f"{documents} documents, {windows} windows, {pages} pages; windows by what is on them:")
    print(f"  {', '.join(f'{name} {count}' for name, count in counts.profiles.most_common())}\n")
    print("| prompt | blind: windows | requests | fitting: windows | requests |\n| --- | ---: | ---: | ---: | ---: |")
    for name in PROMPTS:
        row = (blind.windows[name], blind.requests[name], fitting.windows[name], fitting.requests[name])
        print(f"| `{name}` | {' | '.join(map(str, row))} |")
    before, after = blind.requests.total(), fitting.requests.total()
    print(f"| all | {blind.windows.total()} | {before} | {fitting.windows.total()} | {after} |\n")
    print(f"{before - after} requests saved ({1 - after / max(1, before):.0%}); {moved} windows have another prompt")


if __name__ == "__main__":
    main()
