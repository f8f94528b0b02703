"""A model as an evaluation asks it: its server is started with the first request that has no stored reply."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Self, TypeVar

from docmatix.config import Resources
from docmatix.core.errors import BuildError, DocmatixError
from docmatix.core.pairs import Failure, Reply, Request
from docmatix.models.client import ChatClient
from docmatix.models.connecting import follow_replicas, make_client
from docmatix.models.engine import Engine
from docmatix.models.service import Served
from docmatix.storage.run import Run

_POLL_S = 0.5
Result = TypeVar("Result")


class ModelServer:
    """Speaks to the servers of an engine, and starts what a build would. An async context manager."""

    def __init__(
        self, engine: Engine, *, resources: Resources, most_pictures: int, run: Run, say: Callable[[str], None]
    ) -> None:
        self.engine = engine
        self._resources, self._most_pictures, self._run, self._say = resources, most_pictures, run, say
        self._opened = contextlib.ExitStack()
        self._starting = asyncio.Lock()
        self._client: ChatClient | None = None
        self._watching: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        self._failed = asyncio.get_running_loop().create_future()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
        if self._failed is not None and self._failed.done():
            self._failed.exception()
        self._opened.close()

    async def ask(self, request: Request, *, pictures: Sequence[bytes] = ()) -> Reply | Failure:
        """As `ChatClient.ask`; the first call starts the server, or raises SetupError or BuildError."""
        try:
            if self._client is None:
                async with self._starting:
                    if self._client is None:
                        self._client = await self._start()
            return await self._client.ask(request, pictures=pictures)
        except DocmatixError as error:
            raise type(error)(_reword(error)) from None

    def stop(self, error: DocmatixError) -> None:
        """Send nothing more: waiting and later requests raise `error`."""
        if self._client is not None:
            self._client.stop(error)

    async def watch(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of work that asks; raises BuildError as soon as no server is left that could answer."""
        assert self._failed is not None
        task = asyncio.create_task(work)
        first: set[asyncio.Future[Any]] = {task, self._failed}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self._failed.result()
            return await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _start(self) -> ChatClient:
        engine = self.engine
        await engine.check(private=self._resources.address is None)
        # in this thread, since a server may be tied to the one that starts it; nothing is under way yet
        if engine.places_servers:
            from docmatix.driver.ray_cluster import ray_running

            self._opened.enter_context(ray_running(self._resources))
            engine.check_placement()
        serving = engine.serve(pictures_per_request=self._most_pictures, say=self._say, run=self._run)
        served = self._opened.enter_context(serving)
        client = make_client(engine, served.service)
        self._watching.append(asyncio.create_task(self._look_after(served)))
        if served.service.replicas:
            from docmatix.models.vllm.replica_pool import ReplicaPool

            pool = ReplicaPool(served.service.replicas)
            self._watching.append(asyncio.create_task(follow_replicas(client, pool.find_addresses)))
        return client

    async def _look_after(self, served: Served) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                await asyncio.to_thread(served.look)
            except BuildError as error:
                assert self._failed is not None
                if not self._failed.done():
                    self._failed.set_exception(BuildError(_reword(error)))
                return


def _reword(error: DocmatixError) -> str:
    """What is said of a build, as it is said of an evaluation."""
    return str(error).replace("generate.engine.", "the engine's ").replace("resume the build", "resume the evaluation")
