"""The command line. Results go to standard output, progress and errors to standard error.

Exit codes: 0 finished; 1 the build failed (or `check` found something); 2 the command or configuration is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from docmatix import __version__
from docmatix.core.errors import DocmatixError, SetupError
from docmatix.core.terminal import sanitize_for_terminal
from docmatix.driver.chatter import without_chatter

_DESCRIPTION = """\
Build document visual question answering datasets: PDFs in, page images with question-answer pairs out.

  docmatix build pipelines/quickstart.yaml     build, or continue, a dataset
  docmatix status runs/quickstart              how far it is, and what was dropped for which reason
  docmatix inspect runs/quickstart -n 3        look at samples
"""


class _ListingFormats(argparse.RawDescriptionHelpFormatter):
    """Lists the formats, which are only imported where this help is shown."""

    def add_text(self, text: str | None) -> None:
        from docmatix.exports.formats import describe_formats

        super().add_text(text and f"{text}\n\n{describe_formats()}")


_FETCH = (
    "show pages of sources on other machines too: the addresses that the run names are asked for them, once (default:"
    " pages that are in no dataset are rendered from files of this machine alone, below the run's source.paths)"
)

_ABLATE = """\
Put the same pages through each prompt, and compare what comes out: pairs kept and why others were dropped, tokens per
kept pair, grounding, unique questions, diversity, lengths of answers.

  docmatix ablate pipelines/docmatix.yaml --prompts broad_whole,broad_details,extractive

prints a table, and writes into DIR (runs/NAME-ablation):

  ablation.html   the table, plots, and what each prompt made of the same pages
  ablation.json   the figures, for programs
  PROMPT/         a whole run for each prompt, to be looked at: `docmatix inspect DIR/PROMPT --pairs`

Replies are kept: the same command after an edit to one prompt asks for that prompt's replies alone, with another prompt
in --prompts for the new one's, and with a higher --limit only about the documents that are new. Filters are free to
change (--set 'curate.filters=[{kind: grounded, min_score: 0.8}]'): nothing is asked again.
"""


def make_parser() -> argparse.ArgumentParser:
    """The command line as argparse knows it."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="docmatix", description=_DESCRIPTION, formatter_class=formatter)
    parser.add_argument("--version", action="version", version=f"docmatix {__version__}")
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
    build.add_argument(
        "--push",
        metavar="REPO_ID",
        help="publish to this dataset repository on the Hub: files go up as they are packed, the card at the end;"
        " public, unless --private is given",
    )
    build.add_argument(
        "--trust-run",
        action="store_true",
        help="build in a run directory that belongs to another user, such as one that a group shares: whoever can write"
        " there decides what your build takes for its own work (without it such a directory is refused; one of root's"
        " is not)",
    )
    build.add_argument("--private", action="store_true", help="with --push: make the repository private, if it is made")

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

    ablate = verbs.add_parser(
        "ablate",
        help="compare prompts over the same pages",
        description=_ABLATE,
        formatter_class=formatter,
    )
    ablate.add_argument("config", metavar="CONFIG", help="the configuration, a YAML file")
    ablate.add_argument(
        "--prompts", required=True, metavar="A,B,C", help="names of prompts/*; settings are those of the configuration"
    )
    ablate.add_argument("--limit", type=_positive, default=20, metavar="N", help="documents to ask about (default: 20)")
    ablate.add_argument("--run", metavar="DIR", help="where to put it, a path or URL (default: runs/NAME-ablation)")
    ablate.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="KEY.SUB=VALUE", help="as for build"
    )

    inspect = verbs.add_parser(
        "inspect",
        help="look at samples, pairs, or what was dropped",
        description="Print samples drawn by a seed. With --pairs single pairs; with --dropped what was left out.",
    )
    inspect.add_argument("path", metavar="RUN|DATASET|REPO", help="a run, a folder or URL of a dataset, or OWNER/NAME")
    inspect.add_argument("-n", type=_positive, default=3, metavar="N", help="how many (default: 3)")
    inspect.add_argument("--seed", type=int, default=0, help="draw others (default: 0)")
    what = inspect.add_mutually_exclusive_group()
    what.add_argument("--pairs", action="store_true", help="draw pairs instead of whole samples")
    what.add_argument(
        "--dropped", nargs="?", const="", metavar="REASON", help="show what was dropped (for this reason) instead"
    )
    inspect.add_argument(
        "--pictures",
        default="auto",
        metavar="HOW",
        help="the pages, evidence drawn in: `auto` among the text where the terminal can show pictures (the default),"
        " `kitty` or `iterm2` to say how it can, `never`, or a folder for PNG files",
    )

    inspect.add_argument("--fetch", action="store_true", help=_FETCH)

    export = verbs.add_parser(
        "export",
        help="write the dataset in another format: docvqa, mp-docvqa, llava, messages, florence2, webdataset, pdf",
        description="Write the dataset in the shape that other people's code reads."
        " The folder appears whole or not at all.",
        formatter_class=_ListingFormats,
    )
    export.add_argument("path", metavar="RUN|DATASET|REPO", help="a run, a folder or URL of a dataset, or OWNER/NAME")
    export.add_argument("--format", required=True, metavar="FORMAT", help="one of those above")
    export.add_argument("-o", "--out", metavar="DIR", help="a new folder (default: exports/FORMAT in the run)")
    export.add_argument(
        "--zero-shot", action="store_true", help="only a small train and a test split, which share no document"
    )
    export.add_argument("--test-rows", type=_positive, default=200, metavar="N", help="of --zero-shot (default: 200)")
    export.add_argument("--train-rows", type=_positive, default=1700, metavar="N", help="likewise (default: 1700)")
    export.add_argument("--seed", type=int, default=0, help="draw others for --zero-shot (default: 0)")

    report = verbs.add_parser(
        "report",
        help="one HTML file: ledger, plots, cost, sample gallery",
        description="Write a report of a run, finished or not: one HTML file that needs nothing else and stays under"
        " 25 MB. Windows are drawn by seed, so that every prompt and every drop reason is among them.",
    )
    report.add_argument("run", metavar="RUN")
    report.add_argument("-o", "--output", metavar="FILE", help="a path or fsspec URL (default: RUN/report.html)")
    report.add_argument(
        "--samples", type=_positive, default=60, metavar="N", help="windows in the gallery (default: 60)"
    )
    report.add_argument("--seed", type=int, default=0, help="draw others (default: 0)")
    report.add_argument("--fetch", action="store_true", help=_FETCH)

    check = verbs.add_parser(
        "check",
        help="prove a run: checksums, rows, ledger",
        description="Read a whole run and prove it sound: every file is what was committed, every row is there once and"
        " where it belongs, ledgers agree with the rows and with each other, images open, evidence stands on its page."
        " Each problem is a sentence that says what to do; exit code 1 if there is any. A card that was edited by hand"
        " is told of and is none. Nothing is changed.",
    )
    check.add_argument("run", metavar="RUN")

    push = verbs.add_parser(
        "push",
        help="publish a finished run to the Hub",
        description="Bring a dataset repository on the Hugging Face Hub to what a finished run holds. The run is"
        " checked first, and nothing is sent if it, or what it would disclose, is found wanting. Called again after a"
        " kill, it sends only what is missing. The token is that of `hf auth login` or HF_TOKEN.",
    )
    push.add_argument("run", metavar="RUN")
    push.add_argument("repo_id", metavar="REPO_ID", help="OWNER/NAME; made if it is not there")
    push.add_argument("--private", action="store_true", help="make the repository private, if it is made")
    push.add_argument(
        "--revision", metavar="BRANCH", help="push to this branch; made if it is not there (default: main)"
    )
    push.add_argument("--config-name", default="default", metavar="NAME", help="the configuration (default: default)")
    push.add_argument("--split", default="train", metavar="NAME", help="the split (default: train)")
    push.add_argument("--dry-run", action="store_true", help="say what is wrong and what would be done; send nothing")
    push.add_argument(
        "--include-dropped",
        action="store_true",
        help="publish the pairs that curate dropped too, with their reasons, as a configuration `dropped`",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    options = make_parser().parse_args(arguments)
    try:
        return int(globals()[f"_{options.verb}"](options))
    except DocmatixError as error:
        print(f"docmatix: {sanitize_for_terminal(str(error))}", file=sys.stderr)
        _print_lines(line for note in getattr(error, "__notes__", ()) for line in note.splitlines())
        return error.exit_code
    except KeyboardInterrupt:
        print("docmatix: Interrupted.", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        # Python's own way to print it would let through what a document or a server has put into the message
        print("docmatix: This is a bug in docmatix; please report it.", file=sys.stderr)
        _print_lines(line for part in traceback.format_exception(error) for line in part.rstrip("\n").split("\n"))
        return 1


def _print_lines(lines: Iterable[str]) -> None:
    """What belongs to a message and has several lines, such as a trace: each is set off from what the build says."""
    for line in lines:
        print(f"  | {sanitize_for_terminal(line)}", file=sys.stderr)


def _build(options: argparse.Namespace) -> int:
    from docmatix.config.loading import load_config
    from docmatix.driver.build import build
    from docmatix.driver.progress import Progress
    from docmatix.review.status import read_status
    from docmatix.storage.run import RunDirectory

    config = load_config(options.config, overrides=options.overrides)
    if options.private and not options.push:
        raise SetupError("--private says how --push publishes: give --push REPO_ID as well, or leave it out.")
    if options.push:
        from docmatix.publishing.hub import Repository

        # a wrong token must not be found after a week's build
        Repository(options.push, say=_say).prepare(private=options.private)
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
            **_push_beside(options.push, progress.say),
        )
    status = read_status(RunDirectory(built.run))
    if status["complete"]:
        pairs = next(line for line in status["stages"][-1]["ledger"] if line["unit"] == "pairs")
        rows = next(line for line in status["stages"][-1]["ledger"] if line["unit"] == "rows")
        print(f"{pairs['out']} pairs in {rows['out']} rows: {sanitize_for_terminal(built.run)}/dataset")
        if not pairs["out"]:
            print("No pair was kept: `docmatix status` and `docmatix inspect --dropped` say why.", file=sys.stderr)
    else:
        print(f"Not complete yet: {sanitize_for_terminal(built.run)}")
    if options.push and status["complete"]:
        return _push_run(built.run, options.push, private=options.private)
    return 0


def _push_beside(repo_id: str | None, say: Callable[[str], object]) -> dict[str, Any]:
    from functools import partial

    if repo_id is None:
        return {}
    from docmatix.publishing.hub import Repository
    from docmatix.publishing.push import sending_packed_files

    connect = partial(Repository, repo_id, say=say)
    return {"beside_pack": lambda job: sending_packed_files(job, lambda sleep: connect(sleep=sleep), say=say)}


def _status(options: argparse.Namespace) -> int:
    from docmatix.review.status import describe_status, read_status
    from docmatix.storage.run import RunDirectory

    run = RunDirectory(options.run)
    print(json.dumps(read_status(run), indent=1) if options.json else describe_status(run))
    return 0


def _estimate(options: argparse.Namespace) -> int:
    from docmatix.config.loading import load_config
    from docmatix.driver.progress import Progress
    from docmatix.review.estimate import estimate_build

    config = load_config(options.config, overrides=options.overrides)
    folder = Path(options.config).resolve().parent
    with without_chatter() as stderr:
        where = options.run or "a temporary directory"
        print(sanitize_for_terminal(f"Building {options.sample} documents in {where} to measure them."), file=stderr)
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


def _ablate(options: argparse.Namespace) -> int:
    from docmatix.config.loading import load_config
    from docmatix.driver.progress import Progress
    from docmatix.review.ablation import ablate

    config = load_config(options.config, overrides=options.overrides)
    with without_chatter() as stderr:
        ablation = ablate(
            config,
            [name.strip() for name in options.prompts.split(",") if name.strip()],
            config_dir=Path(options.config).resolve().parent,
            run=options.run,
            limit=options.limit,
            progress=Progress(stderr),
        )
    print(ablation.describe())
    print(f"\nPlots and pairs side by side: {sanitize_for_terminal(ablation.run)}/ablation.html")
    return 0


def _inspect(options: argparse.Namespace) -> int:
    import shutil

    from docmatix.review.collection import Collection
    from docmatix.review.inspection import choose_output, print_dropped, print_pairs, print_samples

    columns = shutil.get_terminal_size((100, 40)).columns
    width = max(40, min(100, columns))
    is_terminal = sys.stdout.isatty()
    output = choose_output(options.pictures, environment=os.environ, is_terminal=is_terminal, columns=columns)
    collection = Collection(options.path, fetch=options.fetch)
    if options.dropped is not None:
        for block in print_dropped(collection, options.dropped or None, options.n, seed=options.seed, output=output):
            print(block)
    elif options.pairs:
        for block in print_pairs(collection, options.n, seed=options.seed, output=output, width=width):
            print(block)
    else:
        blocks = print_samples(collection, options.n, seed=options.seed, output=output, width=width)
        for number, block in enumerate(blocks):
            print(f"\n{block}" if number else block)
    return 0


def _export(options: argparse.Namespace) -> int:
    from docmatix.exports.exporting import export_dataset
    from docmatix.storage.run import RunDirectory

    name = options.path.rstrip("/").rsplit("/", 1)[-1]
    local = Path(options.path)
    out = local / "exports" / options.format if (local / "run.yaml").exists() else Path(f"{name}-{options.format}")
    if not options.out and (local / "run.yaml").exists():
        run = RunDirectory(local)
        run.require_own("give another folder with -o.")
        run.store.check_folder("exports")
    exported = export_dataset(
        options.path,
        options.format,
        Path(options.out) if options.out else out,
        zero_shot=options.zero_shot,
        test_rows=options.test_rows,
        train_rows=options.train_rows,
        seed=options.seed,
    )
    print(exported.describe())
    return 0


def _report(options: argparse.Namespace) -> int:
    from docmatix.report.report import write_report
    from docmatix.storage.run import RunDirectory

    run = RunDirectory(options.run)
    written = write_report(run, output=options.output, samples=options.samples, seed=options.seed, fetch=options.fetch)
    print(sanitize_for_terminal(written))
    return 0


def _check(options: argparse.Namespace) -> int:
    from docmatix.check.checks import count_parts, find_problems
    from docmatix.driver.progress import Progress
    from docmatix.storage.run import RunDirectory

    run = RunDirectory(options.run)
    problems = 0

    def remark(said: str) -> None:
        print(sanitize_for_terminal(said), flush=True)

    with Progress(sys.stderr).stage("check", count_parts(run)) as shown:
        for problem in find_problems(run, on_part=lambda done: shown.update(done, {}), on_remark=remark):
            print(sanitize_for_terminal(problem), flush=True)
            problems += 1
    print(f"{problems} problem{'s' if problems > 1 else ''} found." if problems else "The run is sound.")
    return 1 if problems else 0


def _push(options: argparse.Namespace) -> int:
    return _push_run(
        options.run,
        options.repo_id,
        revision=options.revision,
        place=(options.config_name, options.split),
        private=options.private,
        dry_run=options.dry_run,
        include_dropped=options.include_dropped,
    )


def _push_run(
    run: str,
    repo_id: str,
    *,
    revision: str | None = None,
    place: tuple[str, str] = ("default", "train"),
    **options: bool,
) -> int:
    from docmatix.publishing.hub import TRIES, Repository
    from docmatix.publishing.push import Target, push_run
    from docmatix.storage.run import RunDirectory

    # a dry run is looked at by somebody who waits
    repository = Repository(repo_id, revision=revision, tries=2 if options.get("dry_run") else TRIES, say=_say)
    pushed = push_run(RunDirectory(run), repository, target=Target(*place), say=_say, **options)
    for finding in pushed.findings:
        print(sanitize_for_terminal(finding))
    if options.get("dry_run"):
        for path in pushed.sent:
            print(sanitize_for_terminal(f"would send {path}"))
        for path in pushed.deleted:
            print(sanitize_for_terminal(f"would delete {path}"))
        print(sanitize_for_terminal(f"Nothing was sent. It would be: {pushed.describe()}"))
    elif not pushed.findings:
        print(sanitize_for_terminal(pushed.describe()))
    if pushed.findings:
        print("Nothing is sent before these are put right.", file=sys.stderr)
    return 1 if pushed.findings else 0


def _say(line: str) -> None:
    print(sanitize_for_terminal(line), file=sys.stderr, flush=True)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
