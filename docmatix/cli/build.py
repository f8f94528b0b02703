"""`docmatix build`."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docmatix.cli.arguments import add_config, positive
from docmatix.cli.output import FINISHED, print_note, print_result
from docmatix.cli.push import publish
from docmatix.core.errors import SetupError
from docmatix.pipeline import STAGES

if TYPE_CHECKING:
    from docmatix.driver.nursery import Nursery


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Build a dataset, or resume the build in the run directory. Shards that are committed and up to date are"
        " skipped, and the model is asked only what has no stored reply."
    )
    parser.add_argument("--run", metavar="DIR", help="the run directory, a path or fsspec URL (default: runs/NAME)")
    add_config(parser)
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="plan at most N documents; a later build without it adds the rest"
    )
    parser.add_argument("--stages", metavar="A,B", help=f"do only these stages: {', '.join(STAGES)}")
    parser.add_argument(
        "--push",
        metavar="REPO_ID",
        help="publish to this dataset repository on the Hub: files are uploaded as they are packed, the card last;"
        " public unless --private is given",
    )
    parser.add_argument(
        "--trust-run",
        action="store_true",
        help="build in a run directory that another user owns, such as one shared by a group: your build will trust"
        " whatever those who can write there have put into it (by default such a directory is refused, unless root owns"
        " it)",
    )
    parser.add_argument("--private", action="store_true", help="with --push: create the repository as private")


def run(options: argparse.Namespace) -> int:
    from docmatix.driver.nursery import Nursery

    with Nursery() as nursery:
        nursery.start()  # it imports what workers need beside what is imported here: a second of each
        return _build(options, nursery)


def _build(options: argparse.Namespace, nursery: Nursery) -> int:
    from docmatix.config.loading import load_config
    from docmatix.driver.build import build
    from docmatix.driver.chatter import without_chatter
    from docmatix.driver.progress import Progress
    from docmatix.review.status import read_status
    from docmatix.storage.run import Run

    config = load_config(options.config, overrides=options.overrides)
    if options.private and not options.push:
        raise SetupError("--private applies to --push only: give --push REPO_ID as well, or leave out --private.")
    if options.push:
        from docmatix.publishing.hub import Repository

        # a wrong token must not surface after a week's build
        Repository(options.push, say=print_note).prepare(private=options.private)
    with without_chatter() as stderr:
        progress = Progress(stderr)
        built = build(
            config,
            run=options.run,
            limit=options.limit,
            stages=options.stages.split(",") if options.stages else None,
            config_dir=Path(options.config).resolve().parent,
            progress=progress,
            trust_run=options.trust_run,
            nursery=nursery,
            beside_pack=_push_packed_files(options.push, progress.say) if options.push else contextlib.nullcontext,
        )
    status = read_status(Run(built.run))
    if not status["complete"]:
        print_result(f"Not complete yet: {built.run}")
        return FINISHED
    packed = {line["unit"]: line["out"] for line in status["stages"][-1]["ledger"]}
    print_result(f"{packed['pairs']} pairs in {packed['rows']} rows: {built.run}/dataset")
    if not packed["pairs"]:
        print_note("No pair was kept: `docmatix status` and `docmatix inspect --dropped` say why.")
    return publish(built.run, options.push, private=options.private) if options.push else FINISHED


def _push_packed_files(
    repo_id: str, say: Callable[[str], object]
) -> Callable[[Any], contextlib.AbstractContextManager[Any]]:
    from functools import partial

    from docmatix.publishing.background import sending_packed_files
    from docmatix.publishing.hub import Repository

    connect = partial(Repository, repo_id, say=say)
    return lambda job: sending_packed_files(job, lambda sleep: connect(sleep=sleep), say=say)
