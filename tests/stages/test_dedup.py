"""dedup: who is left out, and in favour of whom."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docmatix.core.ledger import Ledger
from docmatix.stages.dedup import dedup_documents
from docmatix.stages.support.job import Job
from docmatix.storage.schemas import EXTRACT
from docmatix.text.minhash import SHINGLE_NUMBERS, WORD_NUMBERS, sign_text
from docmatix.text.page_signatures import HASH_BYTES
from tests.check.runs import change_part
from tests.jobs import extract, make_job, plan, read_documents
from tests.pdfs import write_distinct_pdf, write_distinct_text, write_pdf
from tests.stages.support.test_duplicate_search import draw_numbers


def dedup(folder: Path, pdfs: dict[str, bytes], **sections: Any) -> Job:
    job = make_job(folder, pdfs=pdfs, plan={"documents_per_shard": 2}, **sections)
    read_documents(job)
    return job


def read_duplicates(job: Job) -> list[tuple[str, str, str]]:
    rows = [row for shard in job.run.shards("dedup") for row in job.run.iterate_rows("dedup", shard)]
    return [(row["source_uri"][5:], row["reason"], row["favoured_source_uri"][5:]) for row in rows]


LONG = "\n".join(write_distinct_text(i) for i in range(4))
NEARLY = LONG.replace("Reference", "Ref.", 1) + "\nOne more line at the end."
FIVE = {
    "a.pdf": write_pdf(LONG, fontsize=7),
    "b.pdf": write_distinct_pdf(7),
    "c.pdf": write_pdf(LONG, fontsize=7),
    "d.pdf": write_pdf(NEARLY, fontsize=7),
    "e.pdf": write_distinct_pdf(8),
}


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five documents, extracted."""
    folder = tmp_path_factory.mktemp("five")
    job = make_job(folder, pdfs=FIVE, plan={"documents_per_shard": 2})
    plan(job)
    for shard in job.run.shards("plan"):
        extract(job, shard)
    return folder


def dedup_five(five: Path, folder: Path, **settings: Any) -> Job:
    shutil.copytree(five / "run", folder / "run")
    job = make_job(folder, dedup=settings)
    dedup_documents(job)
    return job


def test_progress_of_reading_and_committing_is_reported(five, tmp_path):
    shutil.copytree(five / "run", tmp_path / "run")
    told: list[tuple[int, dict[str, float]]] = []
    dedup_documents(make_job(tmp_path), show=lambda shards, figures: told.append((shards, dict(figures))))
    reading, committing = told[:3], told[3:]
    assert reading == [(0, {"done": 2}), (0, {"done": 4}), (0, {"done": 5})]
    assert committing == [(1, {"done": 2}), (2, {"done": 4}), (3, {"done": 5})]


def test_copies_and_near_copies_are_left_out_in_favour_of_the_first_across_shards(five, tmp_path):
    job = dedup_five(five, tmp_path)
    assert read_duplicates(job) == [("c.pdf", "duplicate", "a.pdf"), ("d.pdf", "near_duplicate", "a.pdf")]
    (exact,) = (row for row in job.run.iterate_rows("dedup", 1) if row["reason"] == "duplicate")
    assert (exact["index"], exact["similarity"]) == (0, 1.0)
    assert exact["favoured_doc_id"] == exact["doc_id"]
    (near,) = (row for row in job.run.iterate_rows("dedup", 1) if row["reason"] == "near_duplicate")
    assert 0.85 <= near["similarity"] < 1
    assert near["favoured_doc_id"] == exact["doc_id"]


def test_documents_and_usable_pages_are_counted(tmp_path):
    job = dedup(tmp_path, FIVE | {"f.pdf": b"broken", "g.pdf": write_pdf("Five words are on it.", "")})
    documents, pages = job.run.ledger("dedup").to_json()
    assert documents == {"unit": "documents", "in": 6, "out": 4, "dropped": {"duplicate": 1, "near_duplicate": 1}}
    assert pages == {"unit": "pages", "in": 6, "out": 4, "dropped": {"duplicate": 1, "near_duplicate": 1}}


@pytest.mark.parametrize(
    ("settings", "left_out"),
    [
        ({"near": False}, ["c.pdf"]),
        ({"exact": False}, ["c.pdf", "d.pdf"]),
        ({"exact": False, "near": False}, []),
        ({"threshold": 1.0}, ["c.pdf"]),
    ],
)
def test_what_is_searched_for_can_be_chosen(five, tmp_path, settings, left_out):
    assert [name for name, *_ in read_duplicates(dedup_five(five, tmp_path, **settings))] == left_out


def test_documents_too_short_to_compare_are_only_compared_by_their_bytes(tmp_path):
    one, other = (write_pdf(f"This form was signed by hand on day {day}.") for day in (1, 2))
    job = dedup(tmp_path, {"a.pdf": one, "b.pdf": other, "c.pdf": one})
    assert read_duplicates(job) == [("c.pdf", "duplicate", "a.pdf")]


def test_every_shard_has_its_record_even_if_nothing_is_left_out(tmp_path):
    job = dedup(tmp_path, {f"{i}.pdf": write_distinct_pdf(i) for i in range(3)})
    assert job.run.shards("dedup") == [0, 1]
    assert read_duplicates(job) == []
    assert all(job.is_current("dedup", shard) for shard in (0, 1))


def test_an_added_document_never_drives_out_an_earlier_one(tmp_path):
    dedup(tmp_path, {"m.pdf": FIVE["a.pdf"]})
    job = dedup(tmp_path, {"a.pdf": FIVE["a.pdf"]})
    assert read_duplicates(job) == [("a.pdf", "duplicate", "m.pdf")]


def test_deciding_again_gives_the_same_bytes(five, tmp_path):
    job = dedup_five(five, tmp_path)
    before = list(job.run.records("dedup"))
    dedup_documents(job)
    assert list(job.run.records("dedup")) == before


def as_read_by_ocr(row: dict[str, Any]) -> dict[str, Any]:
    """The document as a scan of it would be: its words in another order, and some misread, of which OCR is unsure."""
    read = []
    for page in row["pages"]:
        words = [f"{word}x" if place % 12 == 5 else word for place, word in enumerate(page["word_texts"][::-1])]
        sure = [0.6 if place % 12 == 5 else 0.97 for place in range(len(words))]
        read.append(page | {"word_texts": words, "word_confidences": sure, "text_from": "ocr"})
    return row | {"pages": read, "signature": sign_text(" ".join(word for page in read for word in page["word_texts"]))}


@pytest.mark.parametrize("scan", ["a.pdf", "b.pdf"])
def test_a_scan_and_its_born_digital_twin_are_near_duplicates(tmp_path, scan):
    job = make_job(tmp_path, pdfs={name: write_pdf(LONG, fontsize=size) for name, size in (("a.pdf", 7), ("b.pdf", 8))})
    plan(job)
    extract(job)

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [as_read_by_ocr(row) if row["source_uri"].endswith(scan) else row for row in rows]

    change_part(job.run, "extract", 0, EXTRACT, change)
    dedup_documents(job)
    assert read_duplicates(job) == [("b.pdf", "near_duplicate", "a.pdf")]


def test_two_scans_are_compared_as_any_two_documents(tmp_path):
    job = make_job(tmp_path, pdfs={name: write_pdf(LONG, fontsize=size) for name, size in (("a.pdf", 7), ("b.pdf", 8))})
    plan(job)
    extract(job)
    change_part(job.run, "extract", 0, EXTRACT, lambda rows: [as_read_by_ocr(rows[0]), as_read_by_ocr(rows[1])])
    dedup_documents(job)
    assert read_duplicates(job) == [("b.pdf", "near_duplicate", "a.pdf")]  # misread in the same places


def sign(seed: int, draws: np.random.Generator) -> bytes | None:
    """The signature of a page, one of few; of some there is none. Only pages of one seed may be like each other."""
    if draws.random() < 0.2:
        return None
    answers, text = int(draws.integers(6)), int(draws.integers(12))
    shingles = draw_numbers(seed, SHINGLE_NUMBERS, [(answers % 2, text * 3)]) & 255
    named = (f"{seed}/{kind}".encode() for kind in (text + 100 * answers, answers))
    hashes = (hashlib.blake2b(name, digest_size=HASH_BYTES).digest() for name in named)
    return b"".join(hashes) + shingles.astype(np.uint8).tobytes()


def extract_drawn(job: Job, shards: Sequence[int], *, seed: int = 0, families: int = 4) -> None:
    """Shards of `extract` of five documents each, of a few families; the same for a shard whichever are written."""
    for shard in shards:
        draws = np.random.default_rng([seed, shard])
        of = draws.integers(families, size=5).tolist()
        shingles = draw_numbers(seed, SHINGLE_NUMBERS, [(family, int(draws.integers(0, 60))) for family in of], shard)
        words = draw_numbers(seed, WORD_NUMBERS, [(family, int(draws.integers(0, 20))) for family in of], shard)
        ledger = Ledger(("documents", "pages"))
        with job.committing("extract", shard, ledger=ledger) as writer:
            for row in range(5):
                number = int(draws.integers(12)) if draws.random() < 0.2 else 100 + 5 * shard + row
                scanned = bool(draws.random() < 0.4)
                page: dict[str, Any] = {"number": 1, "text_from": "ocr" if scanned else "layer", "ocr_confidence": None}
                texts = [f"word{of[row]}{place}" for place in range(20)]
                page |= {"word_texts": texts, "word_confidences": [0.99] * 20 if scanned else None}
                pages = [
                    page | {"number": number + 1, "text_signature": sign(seed, draws)} for number in range(row + 1)
                ]
                drawn = np.concatenate((shingles[row], words[row])).tolist()
                named = {"index": row, "doc_id": f"{number:032x}", "source_uri": f"docs/{shard}-{row}.pdf"}
                writer.add(named | {"signature": drawn, "pages": pages})
                ledger.enter("documents")
                ledger.keep("documents")


def read_all(job: Job) -> dict[str, bytes]:
    """Everything that `dedup` commits."""
    names = [name for name in job.run.names("dedup") if name.startswith("part-")]
    return {name: job.run.read(f"dedup/{name}") for name in names}


def dedup_drawn(folder: Path, steps: Sequence[int], **drawn: int) -> Job:
    """A source that grows to so many shards, step by step."""
    job = make_job(folder)
    for step in steps:
        extract_drawn(job, [shard for shard in range(step) if shard not in job.run.shards("extract")], **drawn)
        dedup_documents(job)
    return job


@pytest.mark.parametrize("seed", range(6))
def test_a_source_that_grows_gives_the_bytes_that_it_gives_at_once(tmp_path, seed):
    whole = read_all(dedup_drawn(tmp_path / "whole", [9], seed=seed))
    reasons = {reason for _, reason, _ in read_duplicates(make_job(tmp_path / "whole"))}
    assert reasons >= {"near_duplicate", "duplicate_page"}
    assert read_all(dedup_drawn(tmp_path / "grown", [4, 5, 9], seed=seed)) == whole


def test_of_documents_that_are_decided_about_only_those_are_read_that_a_new_one_may_be_like(tmp_path):
    jobs = [make_job(tmp_path / name) for name in ("whole", "grown")]
    for job in jobs:
        extract_drawn(job, range(5), seed=1)
        extract_drawn(job, [5], families=1)
    whole, grown = jobs
    extract_drawn(whole, [6], families=1)
    dedup_documents(whole)
    dedup_documents(grown)
    extract_drawn(grown, [6], families=1)
    grown.run.remove(*(f"extract/{grown.record('extract', shard).file}" for shard in range(5)))
    told: list[float] = []
    dedup_documents(grown, show=lambda shards, figures: told.append(figures["done"]))
    assert told == [5, 5]  # read and committed
    assert read_all(grown) == read_all(whole)
    assert any(name[0] == "6" and other[0] == "5" for name, _, other in read_duplicates(grown))


@pytest.mark.parametrize("fault", ["missing", "damaged", "of another run"])
def test_without_what_is_kept_of_them_all_are_read_again(tmp_path, fault):
    whole = read_all(dedup_drawn(tmp_path / "whole", [6]))
    job = dedup_drawn(tmp_path / "grown", [4])
    (name,) = (f"dedup/keys/{each}" for each in job.run.names("dedup/keys"))
    if fault == "damaged":
        content = job.run.read(name)
        job.run.write(name, content[:200] + bytes([content[200] ^ 1]) + content[201:])
    else:
        job.run.remove(name)
    if fault == "of another run":
        other = dedup_drawn(tmp_path / "other", [4], seed=1)
        (foreign,) = other.run.names("dedup/keys")
        job.run.write(f"dedup/keys/{foreign}", other.run.read(f"dedup/keys/{foreign}"))
    extract_drawn(job, [4, 5])
    told: list[float] = []
    dedup_documents(job, show=lambda shards, figures: told.append(figures["done"]))
    assert max(told) == 30
    assert read_all(job) == whole
    assert len(job.run.names("dedup/keys")) == 1


def test_what_is_kept_is_removed_only_where_it_does_not_count(tmp_path):
    job = dedup_drawn(tmp_path, [3, 5])
    kept = job.run.names("dedup/keys")
    assert len(kept) == 2
    job.run.sweep(["dedup"])
    assert job.run.names("dedup/keys") == kept
    extract_drawn(job, [1], seed=7)
    dedup_documents(job)
    assert len(job.run.names("dedup/keys")) == 1


def test_what_was_decided_before_a_shard_changed_does_not_pass_for_current_after_a_kill(tmp_path):
    job = dedup_drawn(tmp_path, [40])
    extract_drawn(job, [2], seed=7)

    class Killed(Exception):
        pass

    def kill(shards: int, figures: Any) -> None:
        if shards:
            raise Killed

    with pytest.raises(Killed):
        dedup_documents(job, show=kill)
    left = [shard for shard in range(40) if not job.is_current("dedup", shard)]
    assert left
    dedup_documents(job)
    job.run.sweep(["dedup"])
    assert read_all(job) == read_all(dedup_again(job, tmp_path))


def dedup_again(job: Job, folder: Path) -> Job:
    """Of the same documents, a run that has decided about nothing before."""
    shutil.copytree(Path(job.run.root) / "extract", folder / "again" / "run" / "extract")
    again = make_job(folder / "again")
    dedup_documents(again)
    return again
