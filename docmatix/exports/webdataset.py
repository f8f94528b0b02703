"""`webdataset`: tars of samples, for loaders that stream them.

    OUT/train-000000.tar    SAMPLE.0.jpg SAMPLE.1.jpg ... SAMPLE.json, the files of a sample one after the other

The JSON holds `sample_id`, `doc_id`, `source_uri` and `pairs` (question, answer, style, page: an index of the images).
"""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar, Literal

from docmatix.exports.export import Export
from docmatix.exports.samples import Sample


class Webdataset(Export):
    summary: ClassVar[str] = "tars of images and JSON"

    kind: Literal["webdataset"] = "webdataset"
    shard_bytes: int = 400 << 20

    def write_split(self, samples: Iterable[Sample], folder: Path, *, split: str, name: str) -> Counter[str]:
        rest = iter(samples)
        sample, shard = next(rest, None), 0
        while sample is not None or shard == 0:
            with tarfile.open(folder / f"{split}-{shard:06d}.tar", "w") as tar:
                written = 0
                while sample is not None and written < self.shard_bytes:
                    for member, content in _list_members(sample):
                        # without times and owners, so that the same samples give the same file
                        entry = tarfile.TarInfo(member)
                        entry.size = len(content)
                        tar.addfile(entry, io.BytesIO(content))
                        written += len(content)
                    sample = next(rest, None)
            shard += 1
        return Counter()


def _list_members(sample: Sample) -> Iterator[tuple[str, bytes]]:
    for index, picture in enumerate(sample.pictures):
        yield f"{sample.stem}.{index}.{picture.name.rsplit('.', 1)[1]}", picture.data
    content = {
        "sample_id": sample.sample_id,
        "doc_id": sample.doc_id,
        "source_uri": sample.source_uri,
        "pairs": list(map(asdict, sample.questions)),
    }
    yield f"{sample.stem}.json", json.dumps(content, ensure_ascii=False).encode()
