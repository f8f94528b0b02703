"""Progress on the terminal: a live bar for each stage; plain lines where the output is not a terminal.

All of it goes to standard error, so that standard output holds results alone.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

from docmatix.core.terminal import sanitize_for_terminal
from docmatix.stages.support.live_state import describe_figures

if TYPE_CHECKING:
    from rich.console import Console

_PLAIN_EVERY_S = 15.0


class Progress:
    """Shows a person what a build is doing. Every method may be called often."""

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._console: Console | None = None
        """What draws the bar while there is one: a line printed past it would be drawn over."""

    def say(self, line: str) -> None:
        if self._quiet:
            return
        line = sanitize_for_terminal(line)  # it may name a document
        if self._console is not None:
            self._console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=self._stream, flush=True)

    @contextlib.contextmanager
    def stage(self, name: str, shards: int | None, *, unit: str = "shards") -> Iterator[StageProgress]:
        """The progress of one stage over the given number of shards, or of another unit (None: not known yet)."""
        started = time.monotonic()
        if self._stream.isatty() and not self._quiet:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as RichProgress

            columns = (
                TextColumn("{task.description:9}"),
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TextColumn(unit),
                TimeElapsedColumn(),
                TextColumn("{task.fields[figures]}"),
            )
            console = Console(file=self._stream)
            with RichProgress(*columns, console=console, transient=True) as bars:
                self._console = console
                try:
                    bar = bars.add_task(name, total=shards, figures="")
                    yield StageProgress(lambda done, figures: bars.update(bar, completed=done, figures=figures))
                finally:
                    self._console = None
        else:
            said_at = time.monotonic()

            def show(done: int, figures: str) -> None:
                nonlocal said_at
                if time.monotonic() - said_at >= _PLAIN_EVERY_S:
                    said_at = time.monotonic()
                    total = "" if shards is None else f"/{shards}"
                    parts = [f"{name:9} {done}{total} {unit}", f"{said_at - started:.0f} s", figures]
                    self.say(", ".join(filter(None, parts)))

            yield StageProgress(show)


class StageProgress:
    """Where a stage is: shards done, and the sum of the figures of the shards at work."""

    def __init__(self, show: Callable[[int, str], None]) -> None:
        self._show = show

    def update(self, done: int, figures: Mapping[str, float]) -> None:
        self._show(done, describe_figures(figures))
