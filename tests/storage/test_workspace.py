"""Columns on disk and arrays that may be: what is put in comes out, nobody else can read it, and nothing is left."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.storage.workspace import TextColumn, Workspace


def list_folders() -> list[Path]:
    return sorted(Path(tempfile.gettempdir()).glob("docmatix-test-*"))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 20_000), max_size=6),
    width=st.sampled_from([1, 3, 128]),
    wanted=st.sets(st.integers(0, 120_000), max_size=50),
)
def test_rows_are_read_as_they_were_appended(sizes, width, wanted):
    content = np.arange(sum(sizes) * width, dtype=np.uint32).reshape(-1, width)
    content = content[:, 0] if width == 1 else content
    numbers = np.array(sorted(number for number in wanted if number < len(content)), dtype=np.int64)
    with Workspace("docmatix-test", memory_bytes=1000) as workspace:
        column = workspace.column(np.uint32, width=width)
        for end, size in zip(np.cumsum(sizes), sizes, strict=True):
            column.append(content[end - size : end])
        assert len(column) == len(content)
        assert (column.take(numbers) == content[numbers]).all()
        assert (column.map() == content).all()
        assert [start for start, _ in column.blocks(7000)] == list(range(0, len(content), 7000))
        assert all((rows == content[start : start + 7000]).all() for start, rows in column.blocks(7000))
        column.remove()


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.lists(st.text(max_size=20), max_size=5), max_size=5), wanted=st.sets(st.integers(0, 25)))
def test_texts_are_read_as_they_were_appended(texts, wanted):
    everything = [text for some in texts for text in some]
    numbers = [number for number in sorted(wanted) if number < len(everything)]
    with Workspace("docmatix-test", memory_bytes=1000) as workspace:
        column = TextColumn(workspace)
        for some in texts:
            column.append(some)
        assert column.take(np.array(numbers, dtype=np.int64)) == [everything[number] for number in numbers]


@pytest.mark.parametrize("fill", [0, -1])
@pytest.mark.parametrize("memory", [100, 1 << 20])
def test_arrays_are_alike_in_memory_and_in_a_file(memory, fill):
    with Workspace("docmatix-test", memory_bytes=memory) as workspace:
        array = workspace.array((50, 2), np.int32, fill=fill)
        assert isinstance(array, np.memmap) == (memory == 100)
        assert (array == fill).all()
        array[7] = 5
        assert array.sum() == 10 + 98 * fill
        assert workspace.array(0, np.int64).shape == (0,)


def test_nobody_else_can_read_it_and_nothing_is_left_of_it():
    with Workspace("docmatix-test", memory_bytes=100) as workspace:
        workspace.column(np.uint8).append(np.zeros(100_000, dtype=np.uint8))
        workspace.array(1000, np.uint8)
        (folder,) = list_folders()
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())]
        assert not any(mode & 0o077 for mode in modes)
    assert list_folders() == []
