"""`docmatix report`."""

from __future__ import annotations

import argparse

from docmatix.cli.arguments import add_fetch, add_run, positive
from docmatix.cli.output import FINISHED, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write a report of a run, finished or not: one self-contained HTML file under 25 MB. Windows are drawn by seed,"
        " so that every prompt and every drop reason is represented."
    )
    add_run(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="a path or fsspec URL (default: RUN/report.html)")
    parser.add_argument(
        "--samples", type=positive, default=60, metavar="N", help="windows in the gallery (default: 60)"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the windows (default: 0)")
    add_fetch(parser)


def run(options: argparse.Namespace) -> int:
    from docmatix.report.report import write_report
    from docmatix.storage.run import Run

    run = Run(options.run)
    print_result(
        write_report(run, output=options.output, samples=options.samples, seed=options.seed, fetch=options.fetch)
    )
    return FINISHED
