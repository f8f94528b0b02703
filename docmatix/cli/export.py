"""`docmatix export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from docmatix.cli.arguments import add_dataset, positive
from docmatix.cli.output import FINISHED, print_block

_DESCRIPTION = "Write the dataset in a format that other code reads. The folder appears complete or not at all."


class _ListingFormats(argparse.RawDescriptionHelpFormatter):
    """Lists the formats, which are imported only where this help is shown."""

    def add_text(self, text: str | None) -> None:
        from docmatix.exports.formats import describe_formats

        super().add_text(text and f"{text}\n\n{describe_formats()}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = _DESCRIPTION
    parser.formatter_class = _ListingFormats
    add_dataset(parser)
    parser.add_argument("--format", required=True, metavar="FORMAT", help="one of the above")
    parser.add_argument("-o", "--out", metavar="DIR", help="a new folder (default: exports/FORMAT in the run)")
    parser.add_argument(
        "--zero-shot", action="store_true", help="write only a small train and a test split that share no document"
    )
    parser.add_argument(
        "--test-rows",
        type=positive,
        default=200,
        metavar="N",
        help="rows in the test split of --zero-shot (default: 200)",
    )
    parser.add_argument(
        "--train-rows", type=positive, default=1700, metavar="N", help="rows in its train split (default: 1700)"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the rows of --zero-shot (default: 0)")


def run(options: argparse.Namespace) -> int:
    from docmatix.exports.exporting import export_dataset
    from docmatix.storage.run import Run

    local = Path(options.path)
    if options.out:
        out = Path(options.out)
    elif (local / "run.yaml").exists():
        run = Run(local)
        run.require_own("give another folder with -o.")
        run.store.check_folder("exports")
        out = local / "exports" / options.format
    else:
        name = options.path.rstrip("/").rsplit("/", 1)[-1]
        out = Path(f"{name}-{options.format}")
    exported = export_dataset(
        options.path,
        options.format,
        out,
        zero_shot=options.zero_shot,
        test_rows=options.test_rows,
        train_rows=options.train_rows,
        seed=options.seed,
    )
    print_block(exported.describe())
    return FINISHED
