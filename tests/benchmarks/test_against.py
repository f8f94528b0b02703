"""The table of benchmarks stands where the former one stood, and what is written by hand stays."""

from __future__ import annotations

import pytest

from benchmarks.against import BEGIN, END, README, Row, fail, put_between, read_dedup, write_table

PRINTED = """\
1000 documents, 200 of them duplicates; load 1

| search | seconds | CPU s | documents/s | peak memory | found | wrong |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| docmatix | 1.5 | 1.4 | 666 | 90 MB | 200 | 0 |

docmatix 666 documents/s 90 MB
"""


def test_a_table_replaces_the_former_one_and_nothing_else() -> None:
    once = put_between(f"# Before\n\n{BEGIN}\nformer\n{END}\n\nAfter.\n", "| new |\n")
    assert once == f"# Before\n\n{BEGIN}\n\n| new |\n\n{END}\n\nAfter.\n"
    assert put_between(once, "| new |\n") == once


def test_a_text_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        put_between("# Before\n", "| new |\n")


def test_the_readme_has_its_marks_once() -> None:
    text = README.read_text()
    assert text.count(BEGIN) == text.count(END) == 1


def test_the_rows_of_dedup_are_read_from_its_table() -> None:
    assert list(read_dedup("job", PRINTED)) == [
        Row("job", "docmatix", "1.5", "666 documents", "90 MB; found 200, wrong 0")
    ]


def test_a_part_that_failed_has_a_row_that_says_why() -> None:
    row = fail("job", "tool", "Traceback\nModuleNotFoundError: No module named 'a|b'")
    assert row.besides == "failed: ModuleNotFoundError: No module named 'a/b'"
    assert write_table([row], about="2 cores:").splitlines()[-1].count("|") == 6
