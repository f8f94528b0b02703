"""Pushes a run's dataset into a repository on the Hub.

Inspect everything; list what the repository has; send what is missing; commit in groups, the card with the last. What
was sent before a kill is found by its hash: in the tree if it was committed, else in the Hub's large file storage.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from docmatix.check.proof import find_problems
from docmatix.core.errors import BuildError, SetupError
from docmatix.pipeline import PACK
from docmatix.publishing.card import keeps_license, list_pictures, name_license
from docmatix.publishing.commits import (
    MOST_A_COMMIT,
    choose_group_size,
    commit_shards,
    complete,
    compose_texts,
    read_card,
    read_head,
)
from docmatix.publishing.hub import Repository, Tree
from docmatix.publishing.shipment import Shard, Shipment, Target, collect, list_missing
from docmatix.publishing.uploads import Uploads
from docmatix.review.status import read_status
from docmatix.storage.run import Run

Say = Callable[[str], object]

_AT_ONCE = 8  # files in one upload, of which the client sends four at a time
_CHECKED = "telemetry/checked.json"


@dataclass(slots=True)
class Pushed:
    """What a push did, or would do with `dry_run`."""

    url: str
    findings: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    size: int = 0  # bytes of the data files in `sent`
    commits: int = 0

    def describe(self) -> str:
        files = f"{len(self.sent)} file{'' if len(self.sent) == 1 else 's'} sent ({self.size / 1e6:,.1f} MB)"
        deleted = f", {len(self.deleted)} of an earlier build deleted" if self.deleted else ""
        commits = f"{self.commits} commit{'' if self.commits == 1 else 's'}"
        return f"{self.url}: {files}, {len(self.skipped)} already there{deleted}, in {commits}."


def push_run(
    run: Run,
    repository: Repository,
    *,
    target: Target | None = None,
    private: bool = False,
    dry_run: bool = False,
    include_dropped: bool = False,
    say: Say = lambda line: None,
) -> Pushed:
    """Bring a repository to what a finished run holds; sends nothing if there are `findings` or with `dry_run`. Raises
    SetupError for an unfinished run or a wrong token, name or rights, BuildError if the Hub refuses or does not
    respond. After a kill, another call sends only what is missing."""
    target = target or Target()
    if not read_status(run)["complete"]:
        raise SetupError(f"The run {run.url} is not finished: rerun the build to finish it.")
    with tempfile.TemporaryDirectory(prefix="docmatix-push-") as folder:
        say("Checking the run and what it would publish.")
        problems = check_once(run)
        # Arrow may end the process that reads a damaged file
        if not dry_run and any("dataset/data/" in problem for problem in problems):
            return Pushed(repository.url, findings=problems)
        shipment, findings = collect(run, target, dropped_in=Path(folder) if include_dropped else None)
        pushed = Pushed(repository.url, findings=[*problems, *findings])
        if unsent := shipment.unsent:
            beside = f"{', '.join(unsent[:5])}{' and others' * (len(unsent) > 5)}"
            say(f"The card does not show {beside}: not sent.")
        if include_dropped and len(shipment.targets) == 1:
            say("Curation dropped nothing, so there is nothing to include.")
        if pushed.findings and not dry_run:
            return pushed
        if not dry_run:
            repository.prepare(private=private)
        tree = _look(repository, say) if dry_run else repository.look()
        card = read_card(repository, tree) or ""
        shipment = replace(shipment, earlier=frozenset(list_pictures(card, shipment.parts[0])))
        head, there = read_head(shipment.card), read_head(card)
        if head.get("license") not in (None, "unknown") and keeps_license(head, there, shipment.parts):
            say(
                f"{repository.repo_id} keeps its licence ({name_license(there)}) because it holds other data too; that"
                f" of this run is {name_license(head)}. If it applies to everything, change the card by hand."
            )
        missing = list_missing(shipment.shards, tree)
        pushed.deleted = shipment.list_stale(tree)
        pushed.sent = [shard.path for shard in missing]
        pushed.size = sum(shard.size for shard in missing)
        if dry_run:
            group = choose_group_size(len(shipment.shards))
            pushed.sent += list(compose_texts(shipment, repository, tree))
            before = max(0, -(-len(missing) // group) - 1) * group
            # the commit of the last group, and those that only delete
            last = len(pushed.sent) - before + len(pushed.deleted)
            pushed.commits = before // group + max(bool(last), -(-last // MOST_A_COMMIT))
        else:
            _ship(shipment, missing, repository, tree, pushed, say)
        new = set(pushed.sent)
        names = [*(shard.path for shard in shipment.shards), "README.md", *shipment.extras]
        pushed.skipped = [name for name in names if name not in new]
    return pushed


def _look(repository: Repository, say: Say) -> Tree:
    """What the repository holds, or nothing if the Hub does not respond: a run can be inspected without it."""
    try:
        return repository.look()
    except BuildError as error:
        say(f"{error} All files count as missing there.")
        return Tree(None, {})


def check_once(run: Run) -> list[str]:
    """`docmatix check`, once for the same files: a push resumed after a kill need not read a terabyte again."""
    seal = hashlib.sha256()
    for number, record in run.records(PACK):
        seal.update(f"{number} {record.file} {record.sha256} {run.size(record.file) == record.size}\n".encode())
    for name in ("README.md", "stats.json"):
        seal.update(run.read(f"dataset/{name}") if run.exists(f"dataset/{name}") else b"-")
    content = json.dumps({"sound": seal.hexdigest()}).encode()
    ours = run.find_owner() is None  # another user's run is not written to, nor its record trusted
    if ours and run.exists(_CHECKED) and run.read(_CHECKED) == content:
        return []
    problems = list(find_problems(run, edited=True))
    if not problems and ours:
        with contextlib.suppress(Exception):  # a read-only run can be pushed too
            run.write(_CHECKED, content)
    return problems


def _ship(
    shipment: Shipment, missing: Sequence[Shard], repository: Repository, tree: Tree, pushed: Pushed, say: Say
) -> None:
    size = choose_group_size(len(shipment.shards))
    groups = [missing[first : first + size] for first in range(0, len(missing), size)] or [[]]
    sent = 0
    with Uploads() as uploads:
        for group in groups:
            additions = []
            for first in range(0, len(group), _AT_ONCE):
                additions += uploads.send(group[first : first + _AT_ONCE], repository)
                sent += len(group[first : first + _AT_ONCE])
                say(f"push      {sent}/{len(missing)} files sent")
            if group is not groups[-1]:
                tree = commit_shards(repository, tree, additions, group, parts=shipment.parts, card=shipment.card)
                say(f"push      {sent}/{len(missing)} files committed")
                uploads.clear()
        pushed.sent += complete(shipment, repository, tree, group, additions, say)
    pushed.commits = repository.commits
