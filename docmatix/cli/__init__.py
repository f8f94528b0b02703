"""The command line: one module a verb. Results go to standard output, progress and errors to standard error.

Exit codes: 0 finished; 1 the build failed, or `check` or `push` found a problem; 2 command or configuration is wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from docmatix import __version__
from docmatix.cli import ablate, build, check, estimate, evaluate, export, inspect_dataset, push, report, status
from docmatix.cli.output import run_to_exit_code

_DESCRIPTION = """\
Build document visual question answering datasets: PDFs in, page images with question-answer pairs out.

  docmatix build pipelines/quickstart.yaml     build a dataset, or resume its build
  docmatix status runs/quickstart              progress, and what was dropped for which reason
  docmatix inspect runs/quickstart -n 3        look at samples
"""


class Verb(Protocol):
    """What a verb's module defines. Heavy imports belong in `run`, since every command imports every verb."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments, and a description where the summary is not enough."""

    def run(self, options: argparse.Namespace) -> int:
        """Run the verb; returns the exit code."""


VERBS: Final[Mapping[str, tuple[Verb, str]]] = {
    "build": (build, "build a dataset, or resume its build"),
    "status": (status, "progress of a run, and its ledger"),
    "estimate": (estimate, "pages, tokens, hours and bytes of a build, from a measured sample"),
    "ablate": (ablate, "compare prompts over the same pages"),
    "evaluate": (evaluate, "have a model answer the questions of a dataset, and score its answers"),
    "inspect": (inspect_dataset, "look at samples, pairs, or what was dropped"),
    "export": (export, "write the dataset in the format of another tool, such as llava or docvqa"),
    "report": (report, "one HTML file: ledger, plots, cost, sample gallery"),
    "check": (check, "prove a run: checksums, rows, ledger"),
    "push": (push, "publish a finished run to the Hub"),
}
"""Verbs with their summaries, in the order of `docmatix --help`."""


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="docmatix", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"docmatix {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (verb, summary) in VERBS.items():
        verb.add_arguments(verbs.add_parser(name, help=summary))
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    return run_to_exit_code(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    options = make_parser().parse_args(arguments)
    verb, _ = VERBS[options.verb]
    return verb.run(options)
