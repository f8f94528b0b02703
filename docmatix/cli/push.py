"""`docmatix push`."""

from __future__ import annotations

import argparse

from docmatix.cli.arguments import add_run
from docmatix.cli.output import FAILED, FINISHED, print_note, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Bring a dataset repository on the Hugging Face Hub up to date with a finished run. The run, and what it would"
        " disclose, is checked first; nothing is sent if a problem is found. Rerun after an interruption, it sends only"
        " what is missing. The token comes from `hf auth login` or HF_TOKEN."
    )
    add_run(parser)
    parser.add_argument("repo_id", metavar="REPO_ID", help="OWNER/NAME; created if missing")
    parser.add_argument("--private", action="store_true", help="create the repository as private")
    parser.add_argument("--revision", metavar="BRANCH", help="push to this branch; created if missing (default: main)")
    parser.add_argument(
        "--config-name", default="default", metavar="NAME", help="the dataset's configuration (default: default)"
    )
    parser.add_argument("--split", default="train", metavar="NAME", help="its split (default: train)")
    parser.add_argument("--dry-run", action="store_true", help="report problems and what would be done; send nothing")
    parser.add_argument(
        "--include-dropped",
        action="store_true",
        help="also publish the pairs that curate dropped, with their reasons, as a configuration `dropped`",
    )


def run(options: argparse.Namespace) -> int:
    return publish(
        options.run,
        options.repo_id,
        revision=options.revision,
        place=(options.config_name, options.split),
        private=options.private,
        dry_run=options.dry_run,
        include_dropped=options.include_dropped,
    )


def publish(
    run: str,
    repo_id: str,
    *,
    revision: str | None = None,
    place: tuple[str, str] = ("default", "train"),
    private: bool = False,
    dry_run: bool = False,
    include_dropped: bool = False,
) -> int:
    """Push a run into the configuration and split `place` of a repository; returns the exit code."""
    from docmatix.publishing.hub import TRIES, Repository
    from docmatix.publishing.push import push_run
    from docmatix.publishing.shipment import Target
    from docmatix.storage.run import Run

    # fewer tries for a dry run, since the user is waiting
    repository = Repository(repo_id, revision=revision, tries=2 if dry_run else TRIES, say=print_note)
    pushed = push_run(
        Run(run).snapshot(),
        repository,
        target=Target(*place),
        say=print_note,
        private=private,
        dry_run=dry_run,
        include_dropped=include_dropped,
    )
    for finding in pushed.findings:
        print_result(finding)
    if dry_run:
        for path in pushed.sent:
            print_result(f"would send {path}")
        for path in pushed.deleted:
            print_result(f"would delete {path}")
        print_result(f"Nothing was sent. It would be: {pushed.describe()}")
    elif not pushed.findings:
        print_result(pushed.describe())
    if pushed.findings:
        print_note("Nothing is sent until these are fixed.")
        return FAILED
    return FINISHED
