"""push: a run's dataset into a repository on the Hub.

Look at everything first; list what the repository has; send what is missing, file by file from the disk; commit a few
files at a time, and with the last of them the card. What was sent before a kill is found again by its hash: in the
tree if it was committed, in the Hub's large file storage if not.

A reader never loads half of a split. The card names the files of one push exactly (`train-*-of-00040`), so the files
of an earlier build stay in force until the card is changed, and are deleted with it or after it. Where that cannot be
(a first push, or files of the same names), the first commit puts up a card that leads to no file of this split.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from docmatix.check.card import describe_false_picture, list_card_pictures
from docmatix.check.proof import find_problems
from docmatix.core.errors import BuildError, SetupError
from docmatix.dataset.published_card import (
    Part,
    is_picture,
    keeps_license,
    list_pictures,
    matches,
    merge_cards,
    name_license,
    split_card,
)
from docmatix.pipeline import PACK
from docmatix.publishing.dropped import DROPPED, write_dropped
from docmatix.publishing.hub import RemoteFile, Repository, Tree
from docmatix.publishing.lint import Findings, find_secrets, lint_table, lint_text_file
from docmatix.review.status import read_status
from docmatix.stages.pack import divide_run, is_packed
from docmatix.stages.support.job import Job
from docmatix.storage.run import RunDirectory
from docmatix.storage.schemas import DATASETS, describe_features
from docmatix.storage.store import Store

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd

Say = Callable[[str], object]

_MOST_A_COMMIT = 100
"""Files in one commit: the Hub advises against more."""
_AT_ONCE = 8
"""Files sent in one go: the client sends four of them at a time."""
_CHECKED = "telemetry/checked.json"


@dataclass(frozen=True, slots=True)
class Target:
    """Under which configuration and split a dataset stands in its repository, and so where its files lie.

    The default configuration has the folder `data`, as `push_to_hub` of `datasets` has it, others their own name.
    """

    config: str = "default"
    split: str = "train"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w.-]*", self.config) or self.config == "data":
            raise SetupError(f"{self.config!r} is no name for a configuration: use letters, digits, `_`, `-`, `.`.")
        if not re.fullmatch(r"\w+(\.\w+)*", self.split):
            raise SetupError(f"{self.split!r} is no name for a split: use letters, digits, `_`, such as train or test.")

    @property
    def folder(self) -> str:
        return "data" if self.config == "default" else self.config

    @property
    def dropped(self) -> Target:
        """Where what was dropped goes."""
        return Target("dropped" if self.config == "default" else f"{self.config}-dropped", self.split)

    def name_file(self, number: int, files: int) -> str:
        return f"{self.folder}/{self.split}-{number:05d}-of-{files:05d}.parquet"

    def name_pattern(self, files: int) -> str:
        return f"{self.folder}/{self.split}-*-of-{files:05d}.parquet"

    def name_extra(self, name: str) -> str:
        """The place of `stats.json` and the card's pictures: other splits than the usual one must not cover them."""
        return name if self == Target() else f"about/{self.config}-{self.split}/{name}"

    def owns(self, path: str) -> bool:
        """Whether a path is that of a data file of this split, of any build."""
        return re.fullmatch(rf"{re.escape(self.folder)}/{re.escape(self.split)}-\d+-of-\d+\.parquet", path) is not None


@dataclass(frozen=True, slots=True)
class Shard:
    """A data file: its path in the repository, and its name in the store it is read from."""

    path: str
    store: Store
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """All that a push sends: data files, the card as the build wrote it, and the rest by its path."""

    targets: tuple[Target, ...]
    parts: tuple[Part, ...]
    shards: tuple[Shard, ...]
    card: str
    extras: Mapping[str, bytes]
    earlier: frozenset[str] = frozenset()
    """The pictures that the card in the repository shows of an earlier build."""


@dataclass(slots=True)
class Pushed:
    """What a push did, or (with `dry_run`) would do."""

    url: str
    findings: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    size: int = 0
    """Bytes of the data files in `sent`."""
    commits: int = 0

    def describe(self) -> str:
        files = f"{len(self.sent)} file{'' if len(self.sent) == 1 else 's'} sent ({self.size / 1e6:,.1f} MB)"
        deleted = f", {len(self.deleted)} of an earlier build deleted" if self.deleted else ""
        commits = f"{self.commits} commit{'' if self.commits == 1 else 's'}"
        return f"{self.url}: {files}, {len(self.skipped)} already there{deleted}, in {commits}."


def push_run(
    run: RunDirectory,
    repository: Repository,
    *,
    target: Target | None = None,
    private: bool = False,
    dry_run: bool = False,
    include_dropped: bool = False,
    say: Say = lambda line: None,
) -> Pushed:
    """Bring a repository to what a finished run holds; returns what was done.

    Nothing is sent where `findings` are returned, nor with `dry_run`. Called again after a kill it sends only what is
    missing. Raises SetupError if the run is not finished, or token, name or rights are wrong; BuildError if the Hub
    stays away or refuses.
    """
    target = target or Target()
    if not read_status(run)["complete"]:
        raise SetupError(f"The run {run.url} is not finished: `docmatix build` continues it.")
    with tempfile.TemporaryDirectory(prefix="docmatix-push-") as folder:
        say("Checking the run and what it would publish.")
        findings = Findings(problems=check_once(run))
        shipment = collect(run, target, findings, dropped_in=Path(folder) if include_dropped else None)
        pushed = Pushed(repository.url, findings=findings.describe())
        if unsent := list_card_pictures(run)[1]:
            say(f"The card does not show {', '.join(unsent[:5])}{' and others' * (len(unsent) > 5)}: not sent.")
        if include_dropped and len(shipment.targets) == 1:
            say("Nothing was dropped by curate, so there is nothing to include.")
        if pushed.findings and not dry_run:
            return pushed
        if not dry_run:
            repository.prepare(private=private)
        tree = _look(repository, say) if dry_run else repository.look()
        card = _read_card(repository, tree) or ""
        shipment = replace(shipment, earlier=frozenset(list_pictures(card, shipment.parts[0])))
        head, there = _read_head(shipment.card), _read_head(card)
        if head.get("license") not in (None, "unknown") and keeps_license(head, there, shipment.parts):
            say(
                f"{repository.repo_id} keeps its licence ({name_license(there)}), since it holds other data too; that"
                f" of this run is {name_license(head)}. Change it by hand in the card where it holds for all."
            )
        missing = list_missing(shipment.shards, tree)
        pushed.deleted = list_stale(shipment, tree)
        pushed.sent = [shard.path for shard in missing]
        pushed.size = sum(shard.size for shard in missing)
        if dry_run:
            group = choose_group_size(len(shipment.shards))
            pushed.sent += list(_compose_texts(shipment, repository, tree))
            before = max(0, -(-len(missing) // group) - 1) * group
            # what goes into the commit of the last group, and into those after it
            last = len(pushed.sent) - before + len(pushed.deleted)
            pushed.commits = before // group + max(bool(last), -(-last // _MOST_A_COMMIT))
        else:
            _ship(shipment, missing, repository, tree, pushed, say)
        new = set(pushed.sent)
        names = [*(shard.path for shard in shipment.shards), "README.md", *shipment.extras]
        pushed.skipped = [name for name in names if name not in new]
    return pushed


def _look(repository: Repository, say: Say) -> Tree:
    """What is there, or nothing where the Hub stays away: what is wrong with a run can be told without it."""
    try:
        return repository.look()
    except BuildError as error:
        say(f"{error} All files are counted as missing there.")
        return Tree(None, {})


def list_missing(shards: Iterable[Shard], tree: Tree) -> list[Shard]:
    """The data files that the repository does not have with this content under this name."""
    return [shard for shard in shards if not _is_there(shard, tree.files.get(shard.path))]


def _is_there(shard: Shard, file: RemoteFile | None) -> bool:
    if file is None or file.size != shard.size:
        return False
    if file.sha256 is None:  # small, in a repository whose .gitattributes leaves it to git itself
        return file.holds(shard.store.read(shard.name))
    return file.sha256 == shard.sha256


def list_stale(shipment: Shipment, tree: Tree) -> list[str]:
    """Data files of earlier builds of the same splits, and the pictures of their cards."""
    named = {shard.path for shard in shipment.shards} | set(shipment.extras)
    return [
        path
        for path in tree.files
        if path not in named and (path in shipment.earlier or any(target.owns(path) for target in shipment.targets))
    ]


def choose_group_size(files: int) -> int:
    """Files a commit. The Hub takes about 128 commits an hour, and advises against over 100 files in one: a fifth of
    the whole within 8 and 100, so that small pushes take up to six commits, and 10,000 files take 100."""
    return min(_MOST_A_COMMIT, max(8, -(-files // 5)))


def collect(run: RunDirectory, target: Target, findings: Findings, *, dropped_in: Path | None = None) -> Shipment:
    """All that is to be sent, looked through. What was dropped is written into `dropped_in`, if that is wanted."""
    from docmatix.driver.build import read_job

    job = read_job(run)
    schema = DATASETS[job.config.pack.schema_]
    secrets = find_secrets(names=list_key_variables(job))
    shards = list_shards(job, target)
    counts = [
        lint_table(run.store, shard.name, schema=schema, secrets=secrets, findings=findings, shown=shard.path)
        for shard in shards
    ]
    parts = [_describe_part(target, len(shards), describe_features(schema), counts)]
    targets = [target]
    if dropped_in is not None and (files := write_dropped(run, dropped_in)):
        aside = Store(dropped_in)
        more = [
            Shard(target.dropped.name_file(number, len(files)), aside, file.name, file.stat().st_size, _hash_file(file))
            for number, file in enumerate(files)
        ]
        counts = [
            lint_table(aside, shard.name, schema=DROPPED, secrets=secrets, findings=findings, shown=shard.path)
            for shard in more
        ]
        parts.append(_describe_part(target.dropped, len(more), describe_features(DROPPED), counts))
        targets.append(target.dropped)
        shards += more
    extras = {}
    card = ""
    for name in list_extras(run):
        lint_text_file(run.store, f"dataset/{name}", secrets=secrets, findings=findings)
        content = run.read(f"dataset/{name}")
        if name == "README.md":
            card = content.decode()
        elif name != "stats.json" and not is_picture(name, content):
            findings.problems.append(describe_false_picture(f"dataset/{name}"))
        else:
            extras[target.name_extra(name)] = content
            if target != Target():
                card = re.sub(rf"(\]\(|(?:src|href)=\"){re.escape(name)}", rf"\g<1>{target.name_extra(name)}", card)
    return Shipment(tuple(targets), tuple(parts), tuple(shards), card, extras)


def list_extras(run: RunDirectory) -> list[str]:
    """What is sent of `dataset` besides the data: the card first, then its pictures and the statistics. What else lies
    there stays: it may be anything."""
    shown = list_card_pictures(run)[0] if run.exists("dataset/README.md") else []
    return [name for name in ("README.md", *shown, "stats.json") if name in shown or run.exists(f"dataset/{name}")]


def list_key_variables(job: Job) -> list[str]:
    """The environment variables from which the build reads its keys."""
    from docmatix.driver.build import list_engines

    return [name for engine in list_engines(job.config) if (name := engine.key_variable)]


def list_shards(job: Job, target: Target, *, numbers: Iterable[int] | None = None) -> list[Shard]:
    """The committed data files of a run, or those of some `numbers`; their hashes are those of the commit records."""
    shards = []
    for number in job.run.shards(PACK) if numbers is None else numbers:
        record = job.run.read_record(PACK, number)
        if record is not None and (match := re.search(r"-of-(\d+)\.parquet$", record.file)):
            path = target.name_file(number, int(match[1]))
            shards.append(Shard(path, job.run.store, record.file, record.size, record.sha256))
    return shards


def check_once(run: RunDirectory) -> list[str]:
    """`docmatix check`, but not again for the same files: a push that goes on after a kill need not read a terabyte."""
    seal = hashlib.sha256()
    for number, record in run.records(PACK):
        seal.update(f"{number} {record.file} {record.sha256} {run.size(record.file) == record.size}\n".encode())
    for name in ("README.md", "stats.json"):
        seal.update(run.read(f"dataset/{name}") if run.exists(f"dataset/{name}") else b"-")
    content = json.dumps({"sound": seal.hexdigest()}).encode()
    ours = run.find_owner() is None  # into another user's run nothing is written, and its word is not taken
    if ours and run.exists(_CHECKED) and run.read(_CHECKED) == content:
        return []
    problems = list(find_problems(run, edited=True))
    if not problems and ours:
        with contextlib.suppress(Exception):  # a run that may only be read can be pushed too
            run.write(_CHECKED, content)
    return problems


# --- sending ----------------------------------------------------------------------------------------------------------


def _ship(
    shipment: Shipment, missing: Sequence[Shard], repository: Repository, tree: Tree, pushed: Pushed, say: Say
) -> None:
    size = choose_group_size(len(shipment.shards))
    groups = [missing[first : first + size] for first in range(0, len(missing), size)] or [[]]
    sent = 0
    with _Aside() as aside:
        for group in groups:
            additions = []
            for first in range(0, len(group), _AT_ONCE):
                additions += aside.send(group[first : first + _AT_ONCE], repository)
                sent += len(group[first : first + _AT_ONCE])
                say(f"push      {sent}/{len(missing)} files sent")
            if group is not groups[-1]:
                tree = commit_shards(repository, tree, additions, group, parts=shipment.parts, card=shipment.card)
                say(f"push      {sent}/{len(missing)} files committed")
                aside.clear()
        pushed.sent += _finish(shipment, repository, tree, group, additions, say)
    pushed.commits = repository.commits


def commit_shards(
    repository: Repository,
    tree: Tree,
    additions: Sequence[CommitOperationAdd],
    shards: Sequence[Shard],
    *,
    parts: Sequence[Part],
    card: str = "",
) -> Tree:
    """Commit data files that were sent; with a card that leads to no file, where the one there would lead to them."""
    from huggingface_hub import CommitOperationAdd

    def compose(now: Tree) -> tuple[list[CommitOperationAdd], list[str]]:
        wanted = {shard.path for shard in list_missing(shards, now)}
        operations = [addition for addition in additions if addition.path_in_repo in wanted]
        there = _read_card(repository, now)
        head = _read_head(there)
        paths = {part.config: [shard.path for shard in shards if part.has(shard.path)] for part in parts}
        led = [
            part
            for part in parts
            if paths[part.config] and matches(head, part.config, part.split, paths[part.config]) is not False
        ]
        if operations and led:
            stub = merge_cards(
                card, there, parts=parts, sizes=_sizes(now, shards), repo_id=repository.repo_id, pending=led
            )
            operations.append(CommitOperationAdd("README.md", stub.encode()))
        return operations, []

    return repository.commit(f"Add {len(shards)} data files of {parts[0].config}/{parts[0].split}", compose, tree)


def _finish(
    shipment: Shipment,
    repository: Repository,
    tree: Tree,
    shards: Sequence[Shard],
    additions: Sequence[CommitOperationAdd],
    say: Say,
) -> list[str]:
    """The last data files in one commit with the card and what belongs to it; away goes what is stale.

    What is more of it than one commit should take goes in commits of its own: nothing leads to it any more.
    """
    from huggingface_hub import CommitOperationAdd

    written: list[str] = []

    def compose(now: Tree) -> tuple[list[CommitOperationAdd], list[str]]:
        texts = _compose_texts(shipment, repository, now)
        written[:] = written or list(texts)
        wanted = {shard.path for shard in list_missing(shards, now)}
        operations = [addition for addition in additions if addition.path_in_repo in wanted]
        operations += [CommitOperationAdd(path, content) for path, content in texts.items()]
        return operations, list_stale(shipment, now)[: max(0, _MOST_A_COMMIT - len(operations))]

    rows = shipment.parts[0].rows
    after = repository.commit(
        f"Complete {shipment.parts[0].config}/{shipment.parts[0].split}: {rows:,} rows", compose, tree
    )
    if lost := list_missing(shipment.shards, after):
        raise BuildError(
            f"{len(lost)} files are not in the repository as they were sent, the first is {lost[0].path}: somebody"
            " else writes to it; run the same command again."
        )
    stale = list_stale(shipment, after)
    for first in range(0, len(stale), _MOST_A_COMMIT):
        group = stale[first : first + _MOST_A_COMMIT]
        after = _delete(group, repository, after)
        say(f"push      {first + len(group)}/{len(stale)} more files of an earlier build deleted")
    return written


def _delete(paths: Sequence[str], repository: Repository, tree: Tree) -> Tree:
    return repository.commit(f"Delete {len(paths)} files of an earlier build", lambda now: ([], paths), tree)


def _compose_texts(shipment: Shipment, repository: Repository, tree: Tree) -> dict[str, bytes]:
    """The card and the rest, as far as the repository has them otherwise."""
    card = merge_cards(
        shipment.card,
        _read_card(repository, tree),
        parts=shipment.parts,
        sizes=_sizes(tree, shipment.shards, without=list_stale(shipment, tree)),
        repo_id=repository.repo_id,
    )
    texts = {"README.md": card.encode(), **shipment.extras}
    return {
        path: content
        for path, content in texts.items()
        if path not in tree.files or not tree.files[path].holds(content)
    }


def _read_card(repository: Repository, tree: Tree) -> str | None:
    content = repository.read("README.md", tree)
    return None if content is None else content.decode(errors="replace")


def _read_head(card: str | None) -> dict[str, object]:
    try:
        return split_card(card or "")[0]
    except ValueError:
        return {}


def _sizes(tree: Tree, shards: Iterable[Shard], *, without: Iterable[str] = ()) -> dict[str, int]:
    sizes = {path: file.size for path, file in tree.files.items()} | {shard.path: shard.size for shard in shards}
    for path in without:
        sizes.pop(path, None)
    return sizes


class _Aside:
    """Data files on their way. Those of a run that is not on a local disk are copied aside, one at a time."""

    def __enter__(self) -> _Aside:
        self._folder = Path(tempfile.mkdtemp(prefix="docmatix-push-"))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def clear(self) -> None:
        for path in self._folder.iterdir():
            path.unlink()

    def send(self, shards: Sequence[Shard], repository: Repository) -> list[CommitOperationAdd]:
        """Send the content of data files; returns what commits them."""
        groups = [shards] if all(shard.store.local for shard in shards) else [[shard] for shard in shards]
        additions = []
        for group in groups:
            additions += [self._send(group, repository)] if group else []
        return [addition for group in additions for addition in group]

    def _send(self, shards: Sequence[Shard], repository: Repository) -> list[CommitOperationAdd]:
        from huggingface_hub import CommitOperationAdd

        additions = [CommitOperationAdd(shard.path, self._place(shard)) for shard in shards]
        repository.upload(additions)
        for shard, addition in zip(shards, additions, strict=True):
            if addition.upload_info.sha256.hex() != shard.sha256:
                raise BuildError(f"{shard.name} is damaged: its content is not what was committed.")
            # a file that is small enough for git itself is read once more, for the commit
            if not shard.store.local and getattr(addition, "_upload_mode", None) == "lfs":
                Path(str(addition.path_or_fileobj)).unlink()
        return additions

    def _place(self, shard: Shard) -> Path:
        if shard.store.local:
            return Path(shard.store.path(shard.name))
        copy = self._folder / shard.path.replace("/", "_")
        with shard.store.open(shard.name) as source, copy.open("wb") as to:
            shutil.copyfileobj(source, to, 8 << 20)
        return copy


def _describe_part(
    target: Target, files: int, features: list[dict[str, object]], counts: Sequence[tuple[int, int]]
) -> Part:
    return Part(
        target.config,
        target.split,
        target.name_pattern(files),
        features,
        rows=sum(rows for rows, _ in counts),
        size=sum(size for _, size in counts),
    )


def _hash_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- while the build runs ---------------------------------------------------------------------------------------------


class _StoppedError(Exception):
    """The build is done, or has failed: what is not sent yet is sent by the push at its end."""


@contextlib.contextmanager
def sending_packed_files(
    job: Job,
    make_repository: Callable[[Callable[[float], object]], Repository],
    *,
    target: Target | None = None,
    say: Say = lambda line: None,
    look_every_s: float = 2.0,
) -> Iterator[None]:
    """Inside it a thread sends the files that `pack` commits, and commits them to the repository a group at a time.

    `make_repository` takes what the repository sleeps with. Trouble with the Hub never stops the build: it is told,
    and the push at the build's end takes over, which also sends what is left and the card.
    """
    stop = threading.Event()

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise _StoppedError

    def work() -> None:
        try:
            _send_as_packed(job, make_repository(sleep), target or Target(), say, stop, look_every_s)
        except _StoppedError:
            pass
        except Exception as error:
            say(f"push      stopped until the build is done: {error}")

    thread = threading.Thread(target=work, name="push", daemon=True)
    thread.start()
    finished = False
    try:
        yield
        finished = True
    finally:
        stop.set()
        if finished:  # a build that failed or was interrupted does not wait for an upload
            thread.join()


def _send_as_packed(
    job: Job, repository: Repository, target: Target, say: Say, stop: threading.Event, look_every_s: float
) -> None:
    outputs = {output.number: output for output in divide_run(job)}
    schema = DATASETS[job.config.pack.schema_]
    secrets = find_secrets(names=list_key_variables(job))
    part = _describe_part(target, len(outputs), describe_features(schema), [])
    size = choose_group_size(len(outputs))
    handled: set[int] = set()
    waiting: list[tuple[Shard, CommitOperationAdd]] = []
    sent = 0
    tree = repository.look()
    with _Aside() as aside:
        while True:
            ready = [
                number
                for number in job.run.shards(PACK)
                if number in outputs and number not in handled and is_packed(job, outputs[number])
            ]
            for shard in list_shards(job, target, numbers=ready):
                findings = Findings()
                lint_table(
                    job.run.store, shard.name, schema=schema, secrets=secrets, findings=findings, shown=shard.path
                )
                if found := findings.describe():
                    say(f"push      stopped, nothing more is sent: {found[0]}")
                    return
                if list_missing([shard], tree):
                    waiting += [(shard, addition) for addition in aside.send([shard], repository)]
                    sent += 1
                if len(waiting) >= size:
                    shards, additions = zip(*waiting, strict=True)
                    tree = commit_shards(repository, tree, additions, shards, parts=[part])
                    say(f"push      {sent} of {len(outputs)} files sent, {repository.commits} commits")
                    waiting = []
                    aside.clear()
                if stop.is_set():
                    return
            handled |= set(ready)
            if len(handled) == len(outputs) or stop.wait(look_every_s):
                return
