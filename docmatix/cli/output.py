"""What a command prints, and its exit code. File names and messages of servers, which strangers wrote, are escaped."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TextIO

from docmatix.core.errors import DocmatixError
from docmatix.core.terminal import sanitize_for_terminal

FINISHED, FAILED = 0, 1


def print_result(line: str) -> None:
    """A line for standard output."""
    print(sanitize_for_terminal(line), flush=True)


def print_block(text: str) -> None:
    """Lines for standard output whose untrusted parts are escaped already."""
    print(text)


def print_note(line: str, *, stream: TextIO | None = None) -> None:
    """A line for standard error, or for the `stream` that stands in for it."""
    print(sanitize_for_terminal(line), file=stream or sys.stderr, flush=True)


def run_to_exit_code(work: Callable[[], int]) -> int:
    """Run a verb and return its exit code; an exception becomes a message."""
    try:
        return work()
    except DocmatixError as error:
        print_note(f"docmatix: {error}")
        _print_details(line for note in getattr(error, "__notes__", ()) for line in note.splitlines())
        return error.exit_code
    except KeyboardInterrupt:
        print_note("docmatix: Interrupted.")
        return FAILED
    except BrokenPipeError:
        sys.stderr.close()
        return FINISHED
    except Exception as error:
        # Python's own traceback would print untrusted text from a document or server as it is
        print_note("docmatix: This is a bug in docmatix; please report it.")
        _print_details(line for part in traceback.format_exception(error) for line in part.rstrip("\n").split("\n"))
        return FAILED


def _print_details(lines: Iterable[str]) -> None:
    """Lines that belong to a message, such as a traceback, indented below it."""
    for line in lines:
        print_note(f"  | {line}")
