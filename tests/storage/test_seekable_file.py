"""A file that keeps its own place goes where a file on a disk would, and nowhere else."""

from __future__ import annotations

import os

import pytest

from docmatix.storage.ranged_file import RangedFile

SIZE = 10


@pytest.fixture
def file() -> RangedFile:
    content = bytes(range(SIZE))
    file = RangedFile(SIZE, lambda start, end: content[start:end])
    file.seek(4)
    return file


@pytest.mark.parametrize(
    ("offset", "whence", "place"),
    [(0, os.SEEK_SET, 0), (-4, os.SEEK_CUR, 0), (-SIZE, os.SEEK_END, 0), (3, os.SEEK_CUR, 7), (5, os.SEEK_END, 15)],
)
def test_it_is_where_it_was_sent(file: RangedFile, offset: int, whence: int, place: int) -> None:
    assert file.seek(offset, whence) == file.tell() == place


@pytest.mark.parametrize(
    ("offset", "whence"), [(-1, os.SEEK_SET), (-5, os.SEEK_CUR), (-SIZE - 1, os.SEEK_END), (0, 3), (0, -1)]
)
def test_a_place_before_the_start_and_an_unknown_whence_are_refused_and_it_stays(
    file: RangedFile, offset: int, whence: int
) -> None:
    with pytest.raises(ValueError, match=r"before the start|none of 0, 1 and 2"):
        file.seek(offset, whence)
    assert file.tell() == 4
