"""`docmatix estimate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from docmatix.cli.arguments import add_config, positive
from docmatix.cli.output import FINISHED, print_block, print_note


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Build a few documents, drawn by seed, in a temporary directory, and scale up the measurements."
    )
    parser.add_argument(
        "--run", metavar="DIR", help="build and keep them in DIR; on a cluster, one that every node can reach"
    )
    add_config(parser)
    parser.add_argument("--sample", type=positive, default=8, metavar="N", help="documents to measure (default: 8)")
    parser.add_argument(
        "--documents", type=positive, metavar="N", help="scale to N documents like these (default: all in the source)"
    )


def run(options: argparse.Namespace) -> int:
    from docmatix.config.loading import load_config
    from docmatix.driver.chatter import without_chatter
    from docmatix.driver.progress import Progress
    from docmatix.review.estimate import estimate_build

    config = load_config(options.config, overrides=options.overrides)
    with without_chatter() as stderr:
        where = options.run or "a temporary directory"
        print_note(f"Building {options.sample} documents in {where} to measure them.", stream=stderr)
        estimate = estimate_build(
            config,
            config_dir=Path(options.config).resolve().parent,
            sample=options.sample,
            documents=options.documents,
            run=options.run,
            progress=Progress(stderr),
        )
    print_block(estimate.describe())
    return FINISHED
