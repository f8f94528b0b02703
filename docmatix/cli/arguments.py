"""Arguments that several verbs share."""

from __future__ import annotations

import argparse


def add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", help="the configuration, a YAML file (see pipelines/)")
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY.SUB=VALUE",
        help="set a key of the configuration; the value is YAML, e.g. --set pack.dpi=100 (repeatable)",
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN")


def add_dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="RUN|DATASET|REPO", help="a run, a folder or URL of a dataset, or OWNER/NAME")


def add_fetch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="also show pages whose sources are on other machines; each address that the run names is asked once"
        " (default: pages that are not in the dataset are rendered from local files below the run's source.paths only)",
    )


def positive(text: str) -> int:
    """A whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
