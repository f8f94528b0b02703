"""`docmatix inspect`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from docmatix.cli.arguments import add_dataset, add_fetch, positive
from docmatix.cli.output import FINISHED, print_block


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print samples drawn by seed; with --pairs, single pairs; with --dropped, what was dropped; with --facts, pages"
        " and what was found on them: fields, cells of tables, headings and the like, each with its boxes."
    )
    add_dataset(parser)
    parser.add_argument("-n", type=positive, default=3, metavar="N", help="how many (default: 3)")
    parser.add_argument("--seed", type=int, default=0, help="draws the samples (default: 0)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--pairs", action="store_true", help="draw pairs instead of whole samples")
    what.add_argument(
        "--dropped", nargs="?", const="", metavar="REASON", help="show what was dropped instead, for this reason or any"
    )
    what.add_argument("--facts", action="store_true", help="draw pages of a run, and show the facts found on them")
    parser.add_argument(
        "--pictures",
        default="auto",
        metavar="HOW",
        help="pages with their boxes: `auto` shows them in the text if the terminal can (the default), `kitty`"
        " and `iterm2` name its protocol, `never` leaves them out, a folder receives them as PNG files",
    )
    add_fetch(parser)


def run(options: argparse.Namespace) -> int:
    from docmatix.review.collection import Collection
    from docmatix.review.inspection import choose_output, print_dropped, print_facts, print_pairs, print_samples

    columns = shutil.get_terminal_size((100, 40)).columns
    width = max(40, min(100, columns))
    is_terminal = sys.stdout.isatty()
    output = choose_output(options.pictures, environment=os.environ, is_terminal=is_terminal, columns=columns)
    collection = Collection(options.path, fetch=options.fetch)
    if options.dropped is not None:
        blocks = print_dropped(collection, options.dropped or None, options.n, seed=options.seed, output=output)
    elif options.facts:
        blocks = print_facts(collection, options.n, seed=options.seed, output=output, width=width)
    elif options.pairs:
        blocks = print_pairs(collection, options.n, seed=options.seed, output=output, width=width)
    else:
        samples = print_samples(collection, options.n, seed=options.seed, output=output, width=width)
        blocks = (f"\n{block}" if number else block for number, block in enumerate(samples))
    for block in blocks:
        print_block(block)
    return FINISHED
