"""`mp-docvqa`: several pages and one question per entry, in the fields of Multipage DocVQA (arXiv 2212.05935).

    OUT/train.json          {"dataset_name", "dataset_split", "data": [{"questionId", "question", "doc_id", "page_ids",
                            "answers", "answer_page_idx"}]}

The images are OUT/images/PAGE_ID.jpg. `answer_page_idx` is null where the page is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

from docmatix.exports.export import Export
from docmatix.exports.files import write_pictures, writing_array
from docmatix.exports.samples import Sample


class MpDocvqa(Export):
    summary: ClassVar[str] = "several pages and one question an entry: Multipage DocVQA"

    kind: Literal["mp-docvqa"] = "mp-docvqa"

    def write_split(self, samples: Iterable[Sample], folder: Path, *, split: str, name: str) -> Counter[str]:
        number = 0
        with writing_array(folder / f"{split}.json", around={"dataset_name": name, "dataset_split": split}) as add:
            for sample in samples:
                write_pictures(folder / "images", sample.pictures)
                for question in sample.questions:
                    number += 1
                    add(
                        {
                            "questionId": number,
                            "question": question.question,
                            "doc_id": sample.doc_id,
                            "page_ids": [picture.name.rsplit(".", 1)[0] for picture in sample.pictures],
                            "answers": [question.answer],
                            "answer_page_idx": question.page,
                            "data_split": split,
                            "pair_id": question.pair_id,
                        }
                    )
        return Counter()
