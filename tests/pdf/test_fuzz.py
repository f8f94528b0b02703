"""A short fuzz over the samples; `make fuzz` is the long one."""

from __future__ import annotations

import random
from typing import Any

import pytest

from docmatix.pdf.settings import Extract
from tests.fuzz import INJURIES, SAMPLES, find_fault, fuzz, main, make_mutant, read_samples

MUTANTS = 300


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hundreds_of_mutants_are_read_or_refused_by_name_and_none_is_lost() -> None:
    outcomes = fuzz(mutants=MUTANTS, seed=5, settings=Extract(timeout_s=10, memory_mb=1024))
    assert outcomes.faults == []
    assert outcomes.reading.total() == MUTANTS
    assert outcomes.rendering["rendered"] > MUTANTS / 4
    # a fuzz that only reads, or only refuses, tries nothing
    assert outcomes.reading["read"] > MUTANTS / 4
    assert len(outcomes.reading) >= 4


def test_a_mutant_follows_from_its_seed_and_number_alone() -> None:
    samples = read_samples([SAMPLES])
    mutants = [make_mutant(number, seed=1, samples=samples) for number in range(40)]
    assert mutants == [make_mutant(number, seed=1, samples=samples) for number in range(40)]
    assert len({mutant.pdf for mutant in mutants}) > 35
    assert mutants[7] != make_mutant(7, seed=2, samples=samples)


@pytest.mark.parametrize("injure", INJURIES, ids=lambda injure: injure.__name__)
def test_every_injury_changes_a_file_and_works_on_whatever_is_left_of_one(injure) -> None:
    pdf = (SAMPLES / "letter.pdf").read_bytes()
    assert any(injure(pdf, random.Random(seed)) != pdf for seed in range(5))
    for rest in (b"x", b"stream\n\nendstream", pdf[:100], b"1 0 R 2 0 R", b"stream\nx\xda\nendstream"):
        assert isinstance(injure(rest, random.Random(0)), bytes)


def make_row(**changes: Any) -> dict[str, Any]:
    page: dict[str, Any] = {
        "number": 1,
        "width_pt": 612.0,
        "height_pt": 792.0,
        "rotation": 0,
        "image_share": 0.0,
        "reason": None,
    }
    page |= {"text": "a b", "word_texts": ["a", "b"], "word_boxes": [0.1, 0.1, 0.2, 0.2] * 2}
    page |= {"word_lines": [0, 0], "word_blocks": [0, 0], "tables": []}
    return {"reason": None, "detail": "", "pages": [page | changes]}


def test_a_row_that_does_not_hold_together_is_a_fault() -> None:
    assert find_fault(make_row(), min_words=2) is None
    broken: list[dict[str, Any]] = [
        make_row(number=2),
        make_row(text="a c"),
        make_row(word_boxes=[0.1, 0.1, 0.2, 1.2] * 2),
        make_row(word_boxes=[0.3, 0.1, 0.2, 0.2] * 2),
        make_row(reason="odd"),
        make_row(reason="blank"),
        make_row(width_pt=float("inf")),
        make_row(text="a\nb", word_lines=[1, 0]),
        {"reason": "internal_error", "detail": "KeyError", "pages": []},
    ]
    assert all(find_fault(row, min_words=2) for row in broken)
    assert find_fault(make_row(), min_words=3) == "page 1 is usable with 2 words"


def test_the_command_tells_what_became_of_the_mutants(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--mutants", "30", "--seed", "3", "--workers", "1"]) == 0
    output = capsys.readouterr().out
    assert "30 mutants, seed 3: 0 lost, 0 faults" in output
    assert "documents" in output
