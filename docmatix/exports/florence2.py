"""`florence2`: one page, question and answer per line, as Florence-2's fine-tuning reads them (arXiv 2311.06242).

    OUT/train/annotations.jsonl     {"image", "prefix": "<DocVQA>What is ...?", "suffix": "..."}

The images lie beside it. A pair goes to the page of its evidence; one whose page is unknown is left out
(`page_unknown`), and so is one with an image mark in its text (`image_mark`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

from docmatix.exports.export import Export
from docmatix.exports.files import write_pictures, writing_lines
from docmatix.exports.samples import Sample, without_image_marks

TASK = "<DocVQA>"


class Florence2(Export):
    summary: ClassVar[str] = "<DocVQA> prefix and suffix, JSON lines and images: fine-tuning of Florence-2"

    kind: Literal["florence2"] = "florence2"

    def write_split(self, samples: Iterable[Sample], folder: Path, *, split: str, name: str) -> Counter[str]:
        left_out: Counter[str] = Counter()
        (folder / split).mkdir(parents=True, exist_ok=True)
        with writing_lines(folder / split / "annotations.jsonl") as add:
            for sample in without_image_marks(samples, left_out):
                used = sorted({question.page for question in sample.questions if question.page is not None})
                write_pictures(folder / split, (sample.pictures[page] for page in used))
                for question in sample.questions:
                    if question.page is None:
                        left_out["page_unknown"] += 1
                        continue
                    image = sample.pictures[question.page].name
                    add({"image": image, "prefix": TASK + question.question, "suffix": question.answer})
        return left_out
