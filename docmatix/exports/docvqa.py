"""`docvqa`: one page and one question per entry, in the fields of SP-DocVQA (arXiv 2007.00398, https://rrc.cvc.uab.es).

    OUT/train_v1.0.json     {"dataset_name", "data": [{"questionId", "question", "image", "docId", "answers", ...}]}
    OUT/documents/*.jpg

A pair goes to the page of its evidence; one of several pages whose page is unknown is left out (`page_unknown`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

from docmatix.exports.export import Export
from docmatix.exports.files import write_pictures, writing_array
from docmatix.exports.samples import Sample


class Docvqa(Export):
    summary: ClassVar[str] = "one page and one question an entry: JSON and images as DocVQA publishes them"

    kind: Literal["docvqa"] = "docvqa"

    def write_split(self, samples: Iterable[Sample], folder: Path, *, split: str, name: str) -> Counter[str]:
        left_out: Counter[str] = Counter()
        number = document = 0
        last = None
        around = {"dataset_name": name, "dataset_version": "1.0", "dataset_split": split}
        with writing_array(folder / f"{split}_v1.0.json", around=around) as add:
            for sample in samples:
                document += sample.doc_id != last
                last = sample.doc_id
                used = sorted({question.page for question in sample.questions if question.page is not None})
                write_pictures(folder / "documents", (sample.pictures[page] for page in used))
                for question in sample.questions:
                    if question.page is None:
                        left_out["page_unknown"] += 1
                        continue
                    number += 1
                    picture = sample.pictures[question.page]
                    add(
                        {
                            "questionId": number,
                            "question": question.question,
                            "question_types": [question.style] if question.style else [],
                            "image": f"documents/{picture.name}",
                            "docId": document,
                            "ucsf_document_id": sample.doc_id,
                            "ucsf_document_page_no": picture.name.rsplit("-", 1)[1].split(".")[0],
                            "answers": [question.answer],
                            "data_split": split,
                            "pair_id": question.pair_id,
                        }
                    )
        return left_out
