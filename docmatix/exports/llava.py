"""`llava`: one conversation per sample, as LLaVA's training scripts read them; the images are OUT/images/*.jpg.

    OUT/train.json          [{"id", "image", "conversations": [{"from": "human", "value": "<image>\\n..."}, ...]}]

`image` is one name, or a list where a sample has several pages (as in LLaVA-NeXT-Interleave), and the first turn has
one `<image>` for each. A pair with an image mark in its text is left out (`image_mark`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

from docmatix.exports.export import Export
from docmatix.exports.files import write_pictures, writing_array
from docmatix.exports.samples import Sample, without_image_marks

MARK = "<image>"


class Llava(Export):
    summary: ClassVar[str] = "conversations with <image>, JSON and images: LLaVA's training scripts"

    kind: Literal["llava"] = "llava"

    def write_split(self, samples: Iterable[Sample], folder: Path, *, split: str, name: str) -> Counter[str]:
        left_out: Counter[str] = Counter()
        with writing_array(folder / f"{split}.json") as add:
            for sample in without_image_marks(samples, left_out):
                write_pictures(folder / "images", sample.pictures)
                turns = []
                for index, question in enumerate(sample.questions):
                    before = "\n".join([MARK] * len(sample.pictures)) + "\n" if index == 0 else ""
                    turns += [
                        {"from": "human", "value": before + question.question},
                        {"from": "gpt", "value": question.answer},
                    ]
                names = [picture.name for picture in sample.pictures]
                add(
                    {
                        "id": sample.sample_id,
                        "image": names[0] if len(names) == 1 else names,
                        "conversations": turns,
                    }
                )
        return left_out
