"""Arguments that several verbs share."""

from __future__ import annotations

import argparse


def add_config(parser: argparse.ArgumentParser, *, hint: str = "", set_help: str = "as for build") -> None:
    """CONFIG and --set."""
    parser.add_argument("config", metavar="CONFIG", help=f"the configuration, a YAML file{hint}")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY.SUB=VALUE", help=set_help)


def add_run(parser: argparse.ArgumentParser) -> None:
    """RUN."""
    parser.add_argument("run", metavar="RUN")


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """What `docmatix.open` opens."""
    parser.add_argument("path", metavar="RUN|DATASET|REPO", help="a run, a folder or URL of a dataset, or OWNER/NAME")


def add_fetch(parser: argparse.ArgumentParser) -> None:
    """--fetch."""
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="show pages of sources on other machines too: the addresses that the run names are asked for them, once"
        " (default: pages that are in no dataset are rendered from files of this machine alone, below the run's"
        " source.paths)",
    )


def positive(text: str) -> int:
    """A whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
