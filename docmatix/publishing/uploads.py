"""Sends the content of data files, to be committed later."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from docmatix.core.errors import BuildError
from docmatix.publishing.hub import Repository
from docmatix.publishing.shipment import Shard

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd


class Uploads:
    """Files of a run that is not on local disk are copied there, one at a time, until `clear`."""

    def __enter__(self) -> Uploads:
        self._folder = Path(tempfile.mkdtemp(prefix="docmatix-push-"))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def clear(self) -> None:
        """Remove the copies of what is committed."""
        for path in self._folder.iterdir():
            path.unlink()

    def send(self, shards: Sequence[Shard], repository: Repository) -> list[CommitOperationAdd]:
        """Send data files; returns what commits them. Raises BuildError for one that differs from its record."""
        groups = [shards] if all(shard.store.local for shard in shards) else [[shard] for shard in shards]
        return [addition for group in groups for addition in self._send(group, repository)]

    def _send(self, shards: Sequence[Shard], repository: Repository) -> list[CommitOperationAdd]:
        from huggingface_hub import CommitOperationAdd

        additions = [CommitOperationAdd(shard.path, self._place(shard)) for shard in shards]
        repository.upload(additions)
        for shard, addition in zip(shards, additions, strict=True):
            if addition.upload_info.sha256.hex() != shard.sha256:
                raise BuildError(f"{shard.name} is damaged: its content is not what was committed.")
            # one that is small enough for git itself is read again for the commit
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
