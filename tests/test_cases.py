"""The cases of `tests.cases`, where their folder is present, and the runner itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from docmatix.core.documents import Refusal
from tests import cases
from tests.pdfs import write_pdf

FOLDER = Path(os.environ.get("DOCMATIX_CASES") or Path(__file__).parents[2] / "shared" / "cases")
REPLY = '{"pairs": [{"question": "What is the price?", "answer": "$5"}]}'


@pytest.mark.skipif(not (FOLDER / "cases.json").exists(), reason="the cases are not beside the repository")
def test_every_case_holds() -> None:
    faults = {name: found for name, found in cases.check_folder(FOLDER) if found}
    assert faults == {}


def write_folder(folder: Path, *, has: str, pairs: list[list[str]]) -> Path:
    (folder / "a.pdf").write_bytes(write_pdf("The price of the house is 300 euros in the town of the north."))
    case = {"file": "a.pdf", "text_has": [has], "text_has_not": ["400 euros"], "note": ""}
    (folder / "cases.json").write_text(json.dumps([case]))
    reply = {"name": "plain", "format": "pairs_json", "reply": REPLY, "pairs": pairs}
    (folder / "replies.json").write_text(json.dumps([reply]))
    return folder


def test_cases_that_hold_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_folder(tmp_path, has="500 euros|300 euros", pairs=[["What is the price?", "$5"]])
    assert cases.main([str(folder)]) == 0
    assert capsys.readouterr().out == "ok   a.pdf\nok   reply: plain\n2 of 2 cases hold\n"


def test_a_case_that_does_not_hold_is_named_and_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path, has="400 euros", pairs=[])
    assert cases.main([str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "FAIL a.pdf: lacks '400 euros'"
    assert lines[1].startswith("FAIL reply: plain: gives [['What is the price?', '$5']]")
    assert lines[2] == "0 of 2 cases hold"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The fund paid 12 500 euros to the school.", "500 euros"),
        ("The rate fell by \u2212 3 percent in May.", "3 percent"),
        ("The loss was (4.5) million in the year.", "4.5"),
        ("The rate is 3 \u00bd percent in this year.", "3"),
        ("The sum was 1\u2019250 francs in all.", "250 francs"),
    ],
)
def test_a_piece_of_a_number_is_a_fault(text: str, answer: str) -> None:
    assert list(cases.find_faults(see_asked(text, answer)))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The fund paid 12 500 euros to the school.", "12 500 euros"),
        ("The sum of 2019 was paid (4.5 million) in the year.", "4.5 million"),
        ("The plan of May 2020 has 12 parts.", "2020"),
    ],
)
def test_a_whole_number_is_none(text: str, answer: str) -> None:
    assert not list(cases.find_faults(see_asked(text, answer)))


def see_asked(text: str, answer: str) -> cases.Seen:
    before, _, after = text.partition(answer)
    return cases.Seen(Refusal("no_text"), (cases.Asked(answer, ("How much?",), before, after, text),))
