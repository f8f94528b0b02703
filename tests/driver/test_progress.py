"""What a person is told: lines and bars, and where they go."""

from __future__ import annotations

import io

import pytest

from docmatix.core.ledger import Ledger, describe_ledger
from docmatix.driver.progress import Progress
from docmatix.stages.support.live_state import describe_figures


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_is_said_at_once_and_quiet_says_nothing():
    loud, quiet = io.StringIO(), io.StringIO()
    Progress(loud).say("extract done")
    Progress(quiet, quiet=True).say("extract done")
    assert (loud.getvalue(), quiet.getvalue()) == ("extract done\n", "")


def test_without_a_stream_it_is_standard_error(capsys):
    Progress().say("hello")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


@pytest.mark.parametrize("quiet", [False, True])
def test_a_stage_that_is_over_in_a_moment_leaves_no_lines_in_a_log(quiet):
    stream = io.StringIO()
    with Progress(stream, quiet=quiet).stage("extract", 3) as shown:
        for done in range(4):
            shown.update(done, {"done": 1})
    assert stream.getvalue() == ""


def test_a_terminal_shows_a_bar_with_the_figures():
    stream = Terminal()
    with Progress(stream).stage("generate", 3) as shown:
        shown.update(2, {"done": 12, "pairs": 30})
    assert "generate" in stream.getvalue()
    assert "30 pairs" in stream.getvalue()


def test_a_line_said_beside_a_bar_stands_above_it_as_it_is():
    stream = Terminal()
    progress = Progress(stream)
    with progress.stage("generate", 3) as shown:
        shown.update(1, {})
        progress.say("serving   replica 1 is [bold] ready on " + "a-long-name." * 12)
    progress.say("generate done")
    assert "serving   replica 1 is [bold] ready on " + "a-long-name." * 12 + "\n" in stream.getvalue()
    assert stream.getvalue().endswith("generate done\n")


def test_the_name_of_a_document_does_not_steer_the_terminal():
    stream = io.StringIO()
    Progress(stream).say("extract   at \x1b]0;owned\x07\x1b[2Jx.pdf")
    assert "\x1b" not in stream.getvalue()
    assert "x.pdf" in stream.getvalue()


def test_an_error_passes_through_a_stage():
    for stream in (io.StringIO(), Terminal()):
        with pytest.raises(ZeroDivisionError), Progress(stream).stage("extract", 3):
            raise ZeroDivisionError


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, ""),
        ({"done": 12}, "12 done"),
        ({"done": 0, "pairs": 0, "retries": 0}, ""),
        ({"done": 3, "pairs": 30, "completion_tokens": 1200.0, "in_flight": 4, "retries": 2, "requests": 9},
         "3 done, 30 pairs, 1200 completion tokens, 4 in flight, 2 retries"),
    ],
)  # fmt: skip
def test_figures_are_said_in_words_and_zeros_left_out(figures, said):
    assert describe_figures(figures) == said


def test_a_ledger_is_said_in_one_line_the_commonest_reasons_first():
    ledger = Ledger(("documents", "pages"))
    ledger.enter("documents", 385)
    ledger.keep("documents", 370)
    ledger.drop("documents", "not_pdf", 3)
    ledger.drop("documents", "encrypted", 12)
    assert describe_ledger(ledger) == "370 of 385 documents (encrypted 12, not_pdf 3); 0 of 0 pages"
    assert describe_ledger(Ledger()) == ""
