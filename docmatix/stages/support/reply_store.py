"""The reply store: every reply to a shard's requests, unchanged, under the hash of its request.

Replies are the costly part of a build. They are written every second (every ten to an object store), so that a killed
worker loses no more, and become one file on commit, to which a later run with other prompts adds. Files are named by
content, so that two workers on one shard do not conflict. A thread writes them, one file at a time: the loop of a
worker, which has other shards, waits for no store.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from docmatix.core.errors import BuildError
from docmatix.core.pairs import Failure, Reply, Request, is_failed
from docmatix.storage.parquet import ShardWriter
from docmatix.storage.run import Run
from docmatix.storage.schemas import REPLIES

_CHUNK = re.compile(r"[0-9a-f]{16}\.parquet")
_MERGE_AT = 32  # files, which become one: a slow server would otherwise leave a file for every second of work

EVERY_S, REMOTE_EVERY_S = 1.0, 10.0  # each write to an object store is a request, and a file to be merged

BYTES_OF_NAMES = 200  # of a row besides its reply's content


_Stored = dict[str, tuple[Reply, str]]
"""Replies, each with the name of its prompt, by the ids of their requests."""


class ReplyStore:
    """The stored replies of one shard of one stage. Whatever asks the run's store is called in a thread, one at a
    time: making it, `flush` and `compact`; or it sees to that itself: `ask`, `save` and `finish`."""

    def __init__(self, run: Run, stage: str, shard: int, *, every_s: float | None = None) -> None:
        """New replies are written at most every `every_s` seconds (by default `EVERY_S` or `REMOTE_EVERY_S`)."""
        self._every_s = every_s if every_s is not None else EVERY_S if run.local else REMOTE_EVERY_S
        # a folder per shard: listing one of 20,000 shards must not list the replies of all
        self._run, self._folder = run, f"{stage}/replies/part-{shard:05d}"
        self._replies: _Stored = {}
        self._files = self._read_files()
        self._unwritten: list[str] = []
        self._under_way: dict[str, asyncio.Future[Reply | Failure]] = {}
        self._writing: asyncio.Future[None] | None = None
        self._written_at = time.monotonic()
        self._used: set[str] = set()
        self.reused = 0

    def _read_files(self) -> list[str]:
        """Read every file of the shard; returns their names."""
        # A file that vanishes after listing was merged by a worker whose driver has just died, or whose node only Ray
        # has lost: list again.
        while True:
            names = [name for name in self._run.names(self._folder) if _CHUNK.fullmatch(name)]
            if all(self._read_file(f"{self._folder}/{name}") for name in names):
                return names

    def _read_file(self, name: str) -> bool:
        try:
            for row in self._run.iterate_file(name):
                prompt = row.pop("prompt")
                # earlier versions stored what a server had given up (`abort`): it is asked for again
                if not is_failed(row["finish_reason"]):
                    self._replies[row["request_id"]] = Reply(**row), prompt
        except (BuildError, OSError):
            if self._run.exists(name):
                raise
            return False
        return True

    def __len__(self) -> int:
        return len(self._replies)

    async def ask(
        self, request: Request, *, prompt: str, ask: Callable[[Request], Awaitable[Reply | Failure]]
    ) -> Reply | Failure:
        """The stored reply, or the server's, which is then stored. Failures are not stored, so they can be retried.

        A request already in flight (the same sentence twice in a shard) is awaited rather than sent twice.
        """
        request_id = request.request_id
        if request_id in self._replies:
            self.reused += 1
            self._used.add(request_id)
            return self._replies[request_id][0]
        if request_id in self._under_way:
            return await asyncio.shield(self._under_way[request_id])
        future: asyncio.Future[Reply | Failure] = asyncio.get_running_loop().create_future()
        self._under_way[request_id] = future
        try:
            outcome = await ask(request)
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # marks it as retrieved, since no other task may be waiting
            raise
        finally:
            del self._under_way[request_id]
        future.set_result(outcome)
        if isinstance(outcome, Reply):
            self._replies[request_id] = outcome, prompt
            self._used.add(request_id)
            self._unwritten.append(request_id)
            await self._keep_up()
        return outcome

    def use(self, request_id: str) -> None:
        """Count a reply, if it is stored, among those used, as `ask` does."""
        if request_id in self._replies:
            self._used.add(request_id)

    def count_tokens(self) -> dict[str, int]:
        """Tokens (`prompt`, `completion`) of the replies used, stored or new, each counted once."""
        used = [self._replies[request_id][0] for request_id in self._used]
        return {
            "prompt": sum(reply.prompt_tokens for reply in used),
            "completion": sum(reply.completion_tokens for reply in used),
        }

    @contextlib.asynccontextmanager
    async def kept_on_failure(self) -> AsyncIterator[None]:
        """Write the latest replies if the block fails: the server may have died, but the disk works."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(Exception):
                await self.save()
            raise

    async def save(self) -> None:
        """Write the replies that have not been written yet."""
        with contextlib.suppress(Exception):  # what it could not write is unwritten again
            await self._wait()
        await asyncio.to_thread(self.flush)

    async def finish(self) -> list[str]:
        """`compact`, once what is being written is."""
        await self._wait()
        return await asyncio.to_thread(self.compact)

    async def _keep_up(self) -> None:
        """Begin to write what is unwritten, if it is time. While a store does not take what came before, whoever has a
        reply waits: no more replies than those of two intervals are unwritten."""
        while time.monotonic() - self._written_at >= self._every_s:
            if self._writing is None or self._writing.done():
                await self._wait()
                self._written_at = time.monotonic()
                self._writing = asyncio.ensure_future(self._write_in_thread())
                self._writing.add_done_callback(_note_error)
                return
            await self._wait()

    async def _wait(self) -> None:
        """Wait for what is being written. Raises what that raised."""
        if (writing := self._writing) is not None:
            try:
                await asyncio.shield(writing)
            finally:
                if writing.done() and self._writing is writing:
                    self._writing = None

    async def _write_in_thread(self) -> None:
        taken, self._unwritten = self._unwritten, []
        whole = len(self._files) >= _MERGE_AT
        # a copy: replies come in meanwhile
        replies = {request_id: self._replies[request_id] for request_id in (self._replies if whole else taken)}
        try:
            await asyncio.to_thread(self._store, replies, whole=whole)
        except BaseException:
            self._unwritten = [*taken, *self._unwritten]
            raise

    def flush(self) -> None:
        """Write the replies that have not been written yet."""
        self._written_at = time.monotonic()
        if not self._unwritten:
            return
        if len(self._files) >= _MERGE_AT:
            self.compact()
        else:
            self._store({request_id: self._replies[request_id] for request_id in self._unwritten}, whole=False)
            self._unwritten = []

    def compact(self) -> list[str]:
        """Merge all replies into one file. Returns its name below `replies/`, or none without replies."""
        if self._replies and (self._unwritten or len(self._files) != 1):
            self._store(self._replies, whole=True)
            self._unwritten = []
        return [f"{self._folder.rsplit('/', 1)[1]}/{name}" for name in self._files]

    def _store(self, replies: _Stored, *, whole: bool) -> None:
        """Write these replies into a file, which takes the place of all others if they are the `whole`."""
        with self._run.writing(self._folder) as pending:
            writer = ShardWriter(pending, REPLIES)
            for request_id in sorted(replies):
                reply, prompt = replies[request_id]
                row = {name: getattr(reply, name) for name in Reply.__dataclass_fields__} | {"prompt": prompt}
                writer.add(row, size=len(reply.content) + len(reply.reasoning or "") + BYTES_OF_NAMES)
            writer.close()
            name = f"{pending.sha256[:16]}.parquet"
            pending.publish(f"{self._folder}/{name}")
        if whole:
            self._run.remove(*(f"{self._folder}/{each}" for each in self._files if each != name))
            self._files = [name]
        else:
            self._files.append(name)


def _note_error(writing: asyncio.Future[None]) -> None:
    """Whoever waits next is told; without anybody, the loop would complain as it ends."""
    if not writing.cancelled():
        writing.exception()
