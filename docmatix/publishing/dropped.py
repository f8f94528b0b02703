"""The pairs that `curate` dropped, as a table with their reasons and without images."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from docmatix.pipeline import CURATE
from docmatix.storage import schemas
from docmatix.storage.run import Run

_COLUMNS = (
    *("reason", "pair_id", "sample_id", "doc_id", "source_uri", "page_numbers", "language"),
    *("prompt", "model", "style", "kind", "question", "answer", "scores", "evidence"),
    "text_from",
)
DROPPED = pa.schema([schemas.CURATE.field(name) for name in _COLUMNS])
"""One row a dropped pair."""
_FILE_BYTES = 200 << 20


def write_dropped(run: Run, folder: Path) -> list[Path]:
    """Write the dropped pairs of a run into files in `folder`, in plan order; none if nothing was dropped."""
    files: list[Path] = []
    writer: pq.ParquetWriter | None = None
    try:
        for _, record in run.records(CURATE):
            for batch in run.iterate_batches(run.part_name(CURATE, record), columns=_COLUMNS, at_once=4096):
                table = pa.Table.from_batches([batch])
                for name in ("kind", "text_from"):
                    if name not in table.column_names:  # of an earlier version
                        table = table.append_column(name, pa.nulls(len(table), pa.string()))
                table = table.filter(pc.is_valid(table["reason"])).select(list(_COLUMNS))
                if not len(table):
                    continue
                if writer is None:
                    files.append(folder / f"{len(files):05d}.parquet")
                    writer = pq.ParquetWriter(files[-1], DROPPED, compression="zstd")
                writer.write_table(table.cast(DROPPED))
                if files[-1].stat().st_size > _FILE_BYTES:
                    writer.close()
                    writer = None
    finally:
        if writer is not None:
            writer.close()
    return files
