"""Which commits bring a repository to what a shipment holds, such that a reader never loads half of a split.

The card names the files of one push exactly (`train-*-of-00040`), so those of an earlier build stay in force until the
card changes, and are deleted with it or after it. Where that is impossible (a first push, or files of the same names),
the first commit brings a card that names no file of this split.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from docmatix.core.errors import BuildError
from docmatix.dataset.published_card import split_card
from docmatix.publishing.card import Part, matches, merge_cards
from docmatix.publishing.hub import Repository, Tree
from docmatix.publishing.shipment import Shard, Shipment, list_missing

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd

MOST_A_COMMIT = 100  # files; the Hub advises against more


def choose_group_size(files: int) -> int:
    """Data files in a commit: a fifth of all, between 8 and 100, as the Hub takes about 128 commits an hour."""
    return min(MOST_A_COMMIT, max(8, -(-files // 5)))


def commit_shards(
    repository: Repository,
    tree: Tree,
    additions: Sequence[CommitOperationAdd],
    shards: Sequence[Shard],
    *,
    parts: Sequence[Part],
    card: str = "",
) -> Tree:
    """Commit data files that were sent, with a card that does not name them where the present one would."""
    from huggingface_hub import CommitOperationAdd

    def compose(now: Tree) -> tuple[list[CommitOperationAdd], list[str]]:
        operations = _select_missing(additions, shards, now)
        there = read_card(repository, now)
        head = read_head(there)
        paths = {part.config: [shard.path for shard in shards if part.has(shard.path)] for part in parts}
        led = [
            part
            for part in parts
            if paths[part.config] and matches(head, part.config, part.split, paths[part.config]) is not False
        ]
        if operations and led:
            sizes = _measure(now, shards)
            stub = merge_cards(card, there, parts=parts, sizes=sizes, repo_id=repository.repo_id, pending=led)
            operations.append(CommitOperationAdd("README.md", stub.encode()))
        return operations, []

    return repository.commit(f"Add {len(shards)} data files of {parts[0].config}/{parts[0].split}", compose, tree)


def complete(
    shipment: Shipment,
    repository: Repository,
    tree: Tree,
    shards: Sequence[Shard],
    additions: Sequence[CommitOperationAdd],
    say: Callable[[str], object],
) -> list[str]:
    """Commit the last data files with the card and its extras, and delete what is stale, by then unnamed, in as many
    commits as it takes; returns what was written besides data."""
    from huggingface_hub import CommitOperationAdd

    written: list[str] = []

    def compose(now: Tree) -> tuple[list[CommitOperationAdd], list[str]]:
        texts = compose_texts(shipment, repository, now)
        written[:] = written or list(texts)
        operations = _select_missing(additions, shards, now)
        operations += [CommitOperationAdd(path, content) for path, content in texts.items()]
        return operations, shipment.list_stale(now)[: max(0, MOST_A_COMMIT - len(operations))]

    part = shipment.parts[0]
    after = repository.commit(f"Complete {part.config}/{part.split}: {part.rows:,} rows", compose, tree)
    if lost := list_missing(shipment.shards, after):
        changed = f"{len(lost)} files in the repository are not what was sent (first: {lost[0].path})"
        raise BuildError(f"{changed}: something else is writing to it. Rerun the command.")
    stale = shipment.list_stale(after)
    for first in range(0, len(stale), MOST_A_COMMIT):
        group = stale[first : first + MOST_A_COMMIT]
        after = _delete(group, repository, after)
        say(f"push      {first + len(group)}/{len(stale)} more files of an earlier build deleted")
    return written


def compose_texts(shipment: Shipment, repository: Repository, tree: Tree) -> dict[str, bytes]:
    """The card and its extras, where they differ from what the repository has."""
    card = merge_cards(
        shipment.card,
        read_card(repository, tree),
        parts=shipment.parts,
        sizes=_measure(tree, shipment.shards, without=shipment.list_stale(tree)),
        repo_id=repository.repo_id,
    )
    texts = {"README.md": card.encode(), **shipment.extras}
    return {
        path: content
        for path, content in texts.items()
        if path not in tree.files or not tree.files[path].holds(content)
    }


def read_card(repository: Repository, tree: Tree) -> str | None:
    content = repository.read("README.md", tree)
    return None if content is None else content.decode(errors="replace")


def read_head(card: str | None) -> dict[str, object]:
    """The metadata of a card; empty if it cannot be read."""
    try:
        return split_card(card or "")[0]
    except ValueError:
        return {}


def _delete(paths: Sequence[str], repository: Repository, tree: Tree) -> Tree:
    return repository.commit(f"Delete {len(paths)} files of an earlier build", lambda now: ([], paths), tree)


def _select_missing(
    additions: Sequence[CommitOperationAdd], shards: Sequence[Shard], tree: Tree
) -> list[CommitOperationAdd]:
    wanted = {shard.path for shard in list_missing(shards, tree)}
    return [addition for addition in additions if addition.path_in_repo in wanted]


def _measure(tree: Tree, shards: Iterable[Shard], *, without: Collection[str] = ()) -> dict[str, int]:
    sizes = {path: file.size for path, file in tree.files.items()} | {shard.path: shard.size for shard in shards}
    return {path: size for path, size in sizes.items() if path not in without}
