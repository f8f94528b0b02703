"""`llava`: one conversation a sample, as LLaVA's training scripts read them.

    OUT/train.json          [{"id", "image", "conversations": [{"from": "human", "value": "<image>\\n..."}, ...]}]
    OUT/images/*.jpg

`image` is a name where a sample has one page and a list of names where it has several (as in LLaVA-NeXT-Interleave);
the first turn has a `<image>` for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from docmatix.exports.files import write_pictures, writing_array
from docmatix.exports.samples import Sample

MARK = "<image>"


def write_split(samples: Iterable[Sample], folder: Path, *, split: str, name: str) -> Counter[str]:
    """Returns how many pairs were left out, by reason: `image_mark` for a text that has the mark of an image in it."""
    left_out: Counter[str] = Counter()
    with writing_array(folder / f"{split}.json") as add:
        for sample in samples:
            # the loader counts these marks, whoever wrote them, and stops at one too many
            told = [question for question in sample.questions if MARK not in question.question + question.answer]
            left_out["image_mark"] += len(sample.questions) - len(told)
            if not told:
                continue
            write_pictures(folder / "images", sample.pictures)
            turns = []
            for index, question in enumerate(told):
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
    return +left_out
