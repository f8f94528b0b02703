"""`docmatix status`."""

from __future__ import annotations

import argparse
import json

from docmatix.cli.arguments import add_run
from docmatix.cli.output import FINISHED, print_block


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")


def run(options: argparse.Namespace) -> int:
    from docmatix.review.status import describe_status, read_status
    from docmatix.storage.run import Run

    run = Run(options.run)
    print_block(json.dumps(read_status(run), indent=1) if options.json else describe_status(run))
    return FINISHED
