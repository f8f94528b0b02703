"""The search for duplicates beside datatrove's MinHash and rensa's index, on the same drawn signatures.

Run: python -m benchmarks.dedup [--documents 1000000] [--against datatrove rensa brute-force] [--memory-mb 1024]
                                [--datatrove-python PYTHON] [--folder FOLDER] [--pages 5]

datatrove lives in an environment of its own (`make .venv-bench/.installed`), whose Python is named.

A fifth of the documents are near duplicates of an earlier one (1 to 19 of 128 numbers others, which is a similarity of
0.85 and more), 5 % have something in common with one and are none (26 to 60 others), 1 % are the same files. Each
contender is a process of its own, which reads the signatures from a file; its seconds end with the list of what it
would leave out, its memory is the peak of its largest process. `found` are the duplicates that it leaves out, `wrong`
documents that it leaves out and that are none. With `--pages`, each document has so many, and those that say the same
are searched for too, by docmatix alone: a tenth is one of 1,000 that many documents have, half of them in other words,
a twentieth agrees with one in all that may be an answer and is another. The last line tells documents a second and
memory of docmatix.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docmatix.text.minhash import SHINGLE_NUMBERS, SIGNATURE_LENGTH, Bands
from docmatix.text.near_duplicates import count_agreeing
from docmatix.text.page_signatures import HASH_BYTES, PAGE_SIGNATURE_BYTES

THRESHOLD = 0.85
BLOCK = 1 << 15
NEAR, ALIKE, SAME = 0.20, 0.05, 0.01
SEED = 20


def draw_documents(folder: Path, documents: int) -> NDArray[np.bool_]:
    """Write the signatures and ids; returns which documents are duplicates, none of them of one that is left out."""
    draws = np.random.default_rng(SEED)
    kinds = draws.random(documents)
    kinds[0] = 1.0
    near, alike = kinds < NEAR, (kinds >= NEAR) & (kinds < NEAR + ALIKE)
    same = (kinds >= NEAR + ALIKE) & (kinds < NEAR + ALIKE + SAME)
    originals = np.flatnonzero(~(near | alike | same))
    # as many as come before it: a document is like one of those, anywhere
    before = np.searchsorted(originals, np.arange(documents))
    base = originals[(draws.random(documents) * before).astype(np.int64)]
    with (folder / "signatures").open("wb") as signatures, (folder / "ids").open("wb") as ids:
        for start in range(0, documents, BLOCK):
            numbers = np.arange(start, min(start + BLOCK, documents))
            alike_here, near_here, same_here = alike[numbers], near[numbers], same[numbers]
            copied = np.flatnonzero(alike_here | near_here | same_here)
            rows = draw_signatures(numbers)
            rows[copied] = draw_signatures(base[numbers[copied]])
            least, most = np.where(alike_here, 26, 1)[copied], np.where(alike_here, 60, 19)[copied]
            changed = np.where(same_here[copied], 0, draws.integers(least, most + 1))
            places = draws.random((len(copied), SHINGLE_NUMBERS), dtype=np.float32).argsort(axis=1)
            row, place = np.nonzero(np.arange(SHINGLE_NUMBERS) < changed[:, None])
            rows[copied[row], places[row, place]] = draws.integers(0, 2**32, size=len(row), dtype=np.uint32)
            rows.tofile(signatures)
            ids.write(b"".join(b"%032x" % number for number in np.where(same_here, base[numbers], numbers).tolist()))
    return near | same


def draw_pages(folder: Path, documents: int, pages: int) -> NDArray[np.bool_]:
    """Write the signatures of pages; returns which of them say the same as an earlier one."""
    draws = np.random.default_rng(SEED)
    shared = draws.integers(0, 256, size=(1000, PAGE_SIGNATURE_BYTES), dtype=np.uint8)
    seen = np.zeros(len(shared), dtype=bool)
    found = []
    with (folder / "pages").open("wb") as file:
        for start in range(0, documents, BLOCK):
            count = (min(start + BLOCK, documents) - start) * pages
            rows = draws.integers(0, 256, size=(count, PAGE_SIGNATURE_BYTES), dtype=np.uint8)
            kinds, which = draws.random(count), draws.integers(0, len(shared), size=count)
            same, reworded, alike = kinds < 0.05, (kinds >= 0.05) & (kinds < 0.10), (kinds >= 0.10) & (kinds < 0.15)
            for some, first in ((same, 0), (reworded, HASH_BYTES)):
                rows[some, first:] = shared[which[some], first:]
            # numbers of other words: at most 16 of 128
            rows[reworded, -16:] = draws.integers(0, 256, size=(int(reworded.sum()), 16), dtype=np.uint8)
            rows[alike, HASH_BYTES : 2 * HASH_BYTES] = shared[which[alike], HASH_BYTES : 2 * HASH_BYTES]
            rows.tofile(file)
            repeats = np.flatnonzero(same | reworded)
            _, firsts = np.unique(which[repeats], return_index=True)
            truth = same | reworded
            truth[[each for each in repeats[firsts] if not seen[which[each]]]] = False
            seen[which[repeats]] = True
            found.append(truth)
    return np.concatenate(found)


def draw_signatures(numbers: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The signature that each number has, always the same (splitmix64)."""
    halves = SIGNATURE_LENGTH // 2
    state: NDArray[Any] = numbers.astype(np.uint64)[:, None] * np.uint64(halves) + np.arange(halves, dtype=np.uint64)
    for shift, factor in ((0, 0x9E3779B97F4A7C15), (30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        if shift:
            state ^= state >> np.uint64(shift)
        state *= np.uint64(factor)
    state ^= state >> np.uint64(31)
    return state.view(np.uint32)


def read_blocks(folder: Path, documents: int) -> Iterator[tuple[NDArray[np.bytes_], NDArray[np.uint32]]]:
    with (folder / "signatures").open("rb") as signatures, (folder / "ids").open("rb") as ids:
        for start in range(0, documents, BLOCK):
            count = min(BLOCK, documents - start)
            rows = np.fromfile(signatures, dtype=np.uint32, count=count * SIGNATURE_LENGTH)
            yield np.fromfile(ids, dtype="S32", count=count), rows.reshape(count, SIGNATURE_LENGTH)


# --- contenders, each in a process of its own -------------------------------------------------------------------------


def run_docmatix(folder: Path, documents: int, memory_mb: int) -> NDArray[np.int64]:
    from docmatix.stages.support.compared_documents import Documents
    from docmatix.stages.support.duplicate_search import find_duplicates
    from docmatix.storage.workspace import Workspace

    with Workspace("docmatix-dedup", memory_bytes=memory_mb << 20) as workspace:
        known = Documents(workspace, Bands(THRESHOLD))
        for ids, rows in read_blocks(folder, documents):
            known.add(ids, rows, np.ones(len(ids), dtype=bool), np.zeros(len(ids), dtype=bool))
        return find_duplicates(known, exact=True, near=True).numbers


def run_pages(folder: Path, documents: int, memory_mb: int, pages: int) -> NDArray[np.int64]:
    """The places of the pages that are left out, of all."""
    from docmatix.stages.support.duplicate_pages import (
        ComparedPages,
        PageHashes,
        find_duplicate_pages,
        split_signatures,
    )
    from docmatix.storage.workspace import Workspace

    with Workspace("docmatix-dedup", memory_bytes=memory_mb << 20) as workspace:
        compared = ComparedPages(workspace)
        with (folder / "pages").open("rb") as file:
            for start in range(0, documents, BLOCK // 8):
                count = min(BLOCK // 8, documents - start)
                rows = np.fromfile(file, np.uint8, count * pages * PAGE_SIGNATURE_BYTES).reshape(count * pages, -1)
                words, answers, shingles = split_signatures(rows)
                numbers = np.tile(np.arange(1, pages + 1, dtype=np.int32), count)
                compared.add(PageHashes(np.full(count, pages, np.int32), numbers, words, answers), shingles)
        stays = np.zeros(documents, dtype=bool)
        left_out = find_duplicate_pages(compared, stays, near=True, threshold=THRESHOLD)
    return left_out.documents * pages + left_out.numbers - 1


def run_rensa(folder: Path, documents: int, memory_mb: int) -> NDArray[np.int64]:
    """Its index as its documentation uses it: ask for candidates, compare the sketches, insert what stays."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=THRESHOLD, num_perm=SHINGLE_NUMBERS, num_bands=16)
    kept: dict[int, Any] = {}
    left_out: list[int] = []
    seen: dict[bytes, int] = {}
    number = 0
    for ids, rows in read_blocks(folder, documents):
        states = pack_rensa_states(rows[:, :SHINGLE_NUMBERS])
        for doc_id, state in zip(ids.tolist(), states, strict=True):
            sketch = RMinHash(num_perm=SHINGLE_NUMBERS, seed=42)
            sketch.__setstate__(state)
            if doc_id in seen or any(kept[other].jaccard(sketch) >= THRESHOLD for other in index.query(sketch)):
                left_out.append(number)
            else:
                index.insert(number, sketch)
                kept[number] = sketch
                seen[doc_id] = number
            number += 1
    return np.array(left_out, dtype=np.int64)


def run_brute_force(folder: Path, documents: int, memory_mb: int) -> NDArray[np.int64]:
    """Each document against all that stay."""
    needed = Bands(THRESHOLD).needed
    kept, stay = np.empty((documents, SHINGLE_NUMBERS), dtype=np.uint32), 0
    left_out: list[int] = []
    seen: set[bytes] = set()
    number = 0
    for ids, rows in read_blocks(folder, documents):
        for doc_id, row in zip(ids.tolist(), rows[:, :SHINGLE_NUMBERS], strict=True):
            if doc_id in seen or (count_agreeing(kept[:stay], row) >= needed).any():
                left_out.append(number)
            else:
                kept[stay], stay = row, stay + 1
            seen.add(doc_id)
            number += 1
    return np.array(left_out, dtype=np.int64)


def pack_rensa_states(rows: NDArray[np.uint32]) -> list[bytes]:
    """The pickled states of sketches with these numbers, the only way to give it a signature: a head, which says how
    many there are, and each number as five groups of seven bits."""
    from rensa import RMinHash

    whole = RMinHash(num_perm=SHINGLE_NUMBERS, seed=42).__getstate__()
    head = whole[: whole.index(b"*\x80\x01") + 3]
    groups = rows[:, :, None] >> np.arange(0, 35, 7, dtype=np.uint32) & 0x7F
    groups[:, :, :4] |= 0x80
    return [head + each.tobytes() for each in groups.astype(np.uint8)]


def run_here(contender: str, folder: Path, documents: int, memory_mb: int, pages: int) -> None:
    contenders: dict[str, Callable[[Path, int, int], NDArray[np.int64]]] = {
        "docmatix": run_docmatix,
        "rensa": run_rensa,
        "brute-force": run_brute_force,
        "pages": partial(run_pages, pages=pages),
    }
    started = time.perf_counter()
    left_out = contenders[contender](folder, documents, memory_mb)
    seconds = time.perf_counter() - started
    np.save(folder / f"{contender}.npy", left_out)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": used.ru_maxrss / 1024}), flush=True)


# --- the table --------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--against", nargs="*", default=[], choices=["datatrove", "rensa", "brute-force"])
    parser.add_argument("--datatrove-python", default=sys.executable)
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--pages", type=int, default=0)
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender:
        run_here(given.contender, given.folder, given.documents, given.memory_mb, given.pages)
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        needed = given.documents * (4 * SIGNATURE_LENGTH * 3)
        if shutil.disk_usage(folder).free < needed:
            raise SystemExit(f"{folder} has less than the {needed >> 30} GB that are needed: give another --folder")
        truth = draw_documents(folder, given.documents)
        print(f"{given.documents} documents, {int(truth.sum())} of them duplicates; load {os.getloadavg()[0]:.0f}\n")
        print("| search | seconds | CPU s | documents/s | peak memory | found | wrong |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
        told = {each: measure(each, folder, given, truth) for each in ["docmatix", *given.against]}
        if given.pages:
            measure("pages", folder, given, draw_pages(folder, given.documents, given.pages))
        if "brute-force" in told:
            one, other = (np.load(folder / f"{each}.npy") for each in ("docmatix", "brute-force"))
            print(f"\nthe same documents as by brute force: {'yes' if np.array_equal(one, other) else 'no'}")
        own = told["docmatix"]
        print(f"\ndocmatix {given.documents / own['seconds']:.0f} documents/s {own['peak_mb']:.0f} MB")


def measure(contender: str, folder: Path, given: argparse.Namespace, truth: NDArray[np.bool_]) -> dict[str, float]:
    """Run one contender, and print its row."""
    documents = str(given.documents)
    if contender == "datatrove":
        script = str(Path(__file__).with_name("dedup_datatrove.py"))
        workers = str(os.cpu_count() or 1)
        command = [given.datatrove_python, script, str(folder), documents, str(SIGNATURE_LENGTH), workers]
    else:
        command = [sys.executable, "-m", "benchmarks.dedup", "--contender", contender, "--folder", str(folder)]
        command += ["--documents", documents, "--memory-mb", str(given.memory_mb), "--pages", str(given.pages)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{contender} failed:\n{done.stderr[-3000:]}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    left_out = np.zeros(len(truth), dtype=bool)
    left_out[np.load(folder / f"{contender}.npy")] = True
    found, wrong = int((left_out & truth).sum()), int((left_out & ~truth).sum())
    rate = len(truth) / told["seconds"]
    print(
        f"| {contender} | {told['seconds']:.1f} | {told['cpu']:.1f} | {rate:.0f} | {told['peak_mb']:.0f} MB |"
        f" {found / truth.sum():.2%} | {wrong} |",
        flush=True,
    )
    return told


if __name__ == "__main__":
    main()
