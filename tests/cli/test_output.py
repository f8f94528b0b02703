"""What a command prints, and the exit code of what it raises."""

from __future__ import annotations

import pytest

from docmatix.cli.output import print_note, print_result, run_to_exit_code
from docmatix.core.errors import BuildError, SetupError


@pytest.mark.parametrize(
    ("error", "code", "first"),
    [
        (SetupError("Give --push as well."), 2, "docmatix: Give --push as well."),
        (BuildError("The disk is full."), 1, "docmatix: The disk is full."),
        (KeyboardInterrupt(), 1, "docmatix: Interrupted."),
        (ZeroDivisionError("by zero"), 1, "docmatix: This is a bug in docmatix; please report it."),
    ],
)
def test_what_a_verb_raises_becomes_a_message_and_an_exit_code(
    error: BaseException, code: int, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error

    assert run_to_exit_code(fail) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[0] == first


def test_results_and_notes_go_to_streams_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_to_exit_code(lambda: 0) == 0
    print_result("41 pairs\x1b[2J")
    print_note("wait")
    assert capsys.readouterr() == ("41 pairs\\x1b[2J\n", "wait\n")
