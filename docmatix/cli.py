"""The command line. Results go to standard output, progress and errors to standard error.

Exit codes: 0 finished; 1 the build failed (or `check` found something); 2 the command or configuration is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from docmatix.errors import DocmatixError

_DESCRIPTION = """\
Build document visual question answering datasets: PDFs in, page images with question-answer pairs out.

  docmatix build pipelines/quickstart.yaml     build, or continue, a dataset
  docmatix status runs/quickstart              how far it is, and what was dropped for which reason
  docmatix inspect runs/quickstart -n 3        look at samples
"""


def make_parser() -> argparse.ArgumentParser:
    """The command line as argparse knows it."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="docmatix", description=_DESCRIPTION, formatter_class=formatter)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    build = verbs.add_parser(
        "build",
        help="build a dataset, or continue its build",
        description="Build a dataset, or continue the build that is in the run directory. Shards that are committed"
        " and current are not done again, and the model is asked only what has no stored reply.",
    )
    build.add_argument("config", metavar="CONFIG", help="the configuration, a YAML file (see pipelines/)")
    build.add_argument("--run", metavar="DIR", help="the run directory, a path or fsspec URL (default: runs/NAME)")
    build.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY.SUB=VALUE",
        help="set a key of the configuration; the value is YAML, e.g. --set pack.dpi=100 (may be given often)",
    )
    build.add_argument(
        "--limit", type=_positive, metavar="N", help="plan at most N documents; a later build without it adds the rest"
    )
    build.add_argument(
        "--stages",
        metavar="A,B",
        help="do only these stages: plan, extract, dedup, generate, verify, curate, pack",
    )

    status = verbs.add_parser("status", help="how far a run is, and its ledger")
    status.add_argument("run", metavar="RUN")
    status.add_argument("--json", action="store_true", help="for programs")

    estimate = verbs.add_parser(
        "estimate",
        help="pages, tokens, hours and bytes of a build, from a measured sample",
        description="Build a few documents, drawn by seed, in a temporary directory, and scale up what was measured.",
    )
    estimate.add_argument(
        "--run", metavar="DIR", help="build them there and keep them; on a cluster, where every node can reach it"
    )
    estimate.add_argument("config", metavar="CONFIG", help="the configuration, a YAML file")
    estimate.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="KEY.SUB=VALUE", help="as for build"
    )
    estimate.add_argument("--sample", type=_positive, default=8, metavar="N", help="documents to measure (default: 8)")
    estimate.add_argument(
        "--documents", type=_positive, metavar="N", help="scale to N documents like these (default: all of the source)"
    )

    inspect = verbs.add_parser(
        "inspect",
        help="look at samples, pairs, or what was dropped",
        description="Print samples drawn by a seed. With --pairs single pairs; with --dropped what was left out.",
    )
    inspect.add_argument("path", metavar="RUN|DATASET|REPO", help="a run, a folder or URL of a dataset, or OWNER/NAME")
    inspect.add_argument("-n", type=_positive, default=3, metavar="N", help="how many (default: 3)")
    inspect.add_argument("--seed", type=int, default=0, help="draw others (default: 0)")
    inspect.add_argument("--pairs", action="store_true", help="draw pairs instead of whole samples")
    inspect.add_argument(
        "--dropped", nargs="?", const="", metavar="REASON", help="show what was dropped (for this reason) instead"
    )

    check = verbs.add_parser(
        "check", help="prove a run: checksums, rows, ledger", description="Read a whole run and prove it sound."
    )
    check.add_argument("run", metavar="RUN")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    options = make_parser().parse_args(arguments)
    try:
        return int(globals()[f"_{options.verb}"](options))
    except DocmatixError as error:
        print(f"docmatix: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("docmatix: Interrupted.", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _build(options: argparse.Namespace) -> int:
    from docmatix.config import load_config
    from docmatix.driver import build
    from docmatix.progress import Progress
    from docmatix.run_directory import RunDirectory
    from docmatix.status import read_status

    config = load_config(options.config, overrides=options.overrides)
    with _without_chatter() as stderr:
        built = build(
            config,
            run=options.run,
            limit=options.limit,
            stages=options.stages.split(",") if options.stages else None,
            config_dir=Path(options.config).resolve().parent,
            progress=Progress(stderr),
        )
    status = read_status(RunDirectory(built.run))
    if status["complete"]:
        pairs = next(line for line in status["stages"][-1]["ledger"] if line["unit"] == "pairs")
        rows = next(line for line in status["stages"][-1]["ledger"] if line["unit"] == "rows")
        print(f"{pairs['out']} pairs in {rows['out']} rows: {built.run}/dataset")
        if not pairs["out"]:
            print("No pair was kept: `docmatix status` and `docmatix inspect --dropped` say why.", file=sys.stderr)
    else:
        print(f"Not complete yet: {built.run}")
    return 0


def _status(options: argparse.Namespace) -> int:
    from docmatix.run_directory import RunDirectory
    from docmatix.status import describe_status, read_status

    run = RunDirectory(options.run)
    print(json.dumps(read_status(run), indent=1) if options.json else describe_status(run))
    return 0


def _estimate(options: argparse.Namespace) -> int:
    from docmatix.config import load_config
    from docmatix.estimate import estimate_build
    from docmatix.progress import Progress

    config = load_config(options.config, overrides=options.overrides)
    folder = Path(options.config).resolve().parent
    with _without_chatter() as stderr:
        where = options.run or "a temporary directory"
        print(f"Building {options.sample} documents in {where} to measure them.", file=stderr)
        estimate = estimate_build(
            config,
            config_dir=folder,
            sample=options.sample,
            documents=options.documents,
            run=options.run,
            progress=Progress(stderr),
        )
    print(estimate.describe())
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from itertools import islice

    from docmatix.inspection import Collection, describe_pair, describe_row

    collection = Collection(options.path)
    if options.dropped is not None:
        shown = list(islice(collection.dropped(options.dropped or None), options.n))
        if not shown:
            reasons = sorted({item.reason for item in collection.dropped()})
            print(f"Nothing was dropped for that reason; the reasons are: {', '.join(reasons) or 'none'}.")
        for item in shown:
            print(f"{item.stage}: {item.reason}\n   {item.what}" + (f"\n   {item.detail}" if item.detail else ""))
    elif options.pairs:
        for number, pair in enumerate(collection.sample_pairs(options.n, seed=options.seed), 1):
            print(f"{number}.\n{describe_pair(pair)}")
    else:
        print("\n\n".join(describe_row(row) for row in collection.sample(options.n, seed=options.seed)))
    return 0


def _check(options: argparse.Namespace) -> int:
    from docmatix.checks import find_problems
    from docmatix.run_directory import RunDirectory

    problems = 0
    for problem in find_problems(RunDirectory(options.run)):
        print(problem)
        problems += 1
    if not problems:
        print("The run is sound.")
    return 1 if problems else 0


@contextlib.contextmanager
def _without_chatter() -> Iterator[TextIO]:
    """Keep what Ray's C++ parts print (on both streams, past every logger) off the terminal; yields the real stderr."""
    kept = {number: os.dup(number) for number in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with os.fdopen(os.dup(2), "w", buffering=1) as stderr:
        try:
            for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
                stream.flush()
                os.dup2(nowhere, number)
            yield stderr
        finally:
            for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
                stream.flush()
                os.dup2(kept[number], number)
            for descriptor in (*kept.values(), nowhere):
                os.close(descriptor)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
