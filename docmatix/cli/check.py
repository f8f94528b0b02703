"""`docmatix check`."""

from __future__ import annotations

import argparse
import sys

from docmatix.cli.arguments import add_run
from docmatix.cli.output import FAILED, FINISHED, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Read a whole run and prove it sound: every file is what was committed, every row is there once and in its"
        " place, ledgers agree with the rows and with each other, images open, evidence lies on its page. Each problem"
        " is a sentence that says what to do; the exit code is 1 if there are any. A card that was edited by hand is"
        " reported, but is not a problem. Nothing is changed."
    )
    add_run(parser)


def run(options: argparse.Namespace) -> int:
    from docmatix.check.proof import count_parts, find_problems
    from docmatix.driver.progress import Progress
    from docmatix.storage.run import Run

    run = Run(options.run)
    problems = 0
    with Progress(sys.stderr).stage("check", count_parts(run)) as shown:
        for problem in find_problems(run, on_part=lambda done: shown.update(done, {}), on_remark=print_result):
            print_result(problem)
            problems += 1
    print_result(f"{problems} problem{'s' if problems > 1 else ''} found." if problems else "The run is sound.")
    return FAILED if problems else FINISHED
