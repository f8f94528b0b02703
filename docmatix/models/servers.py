"""The model server of a build, whoever runs it: started where the build runs it, and gone when the block ends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from docmatix.config import Engine, LlamacppEngine, OpenaiEngine
from docmatix.models.preflight import check_server, read_api_key
from docmatix.storage.run import RunDirectory


@dataclass(frozen=True, slots=True)
class Service:
    """Where a model is asked: at fixed `addresses`, or wherever the `replicas` (Ray actors) say."""

    addresses: tuple[str, ...] = ()
    replicas: tuple[Any, ...] = ()
    api_key: SecretStr | None = None


NOWHERE = Service()


@dataclass(frozen=True, slots=True)
class Served:
    """A service that runs, from the driver's side. `look` tells how its servers are, one mapping each (none for a
    server of somebody else's), and raises BuildError once none of them can be asked any more."""

    service: Service
    look: Callable[[], list[dict[str, Any]]]


async def check_engine(engine: Engine, *, private: bool) -> None:
    """Raise SetupError if the model cannot be asked, or what serves it is not installed. `private`: it will be served
    on this machine."""
    from docmatix.models.llamacpp import find_model
    from docmatix.models.vllm.installation import check_environment

    if isinstance(engine, LlamacppEngine):
        find_model(engine.model)
    elif isinstance(engine, OpenaiEngine):
        await check_server(
            list_addresses(engine),
            model=engine.model,
            api_key=read_api_key(engine.api_key_env),
            api_key_env=engine.api_key_env,
            timeout_s=min(10.0, engine.timeout_s),
            patience_s=min(10.0, engine.timeout_s),
        )
    elif private:
        check_environment(engine)


def list_addresses(engine: OpenaiEngine) -> tuple[str, ...]:
    return (engine.base_url,) if isinstance(engine.base_url, str) else engine.base_url


@contextlib.contextmanager
def serve(
    engine: Engine, *, pictures_per_request: int, say: Callable[[str], None], run: RunDirectory
) -> Iterator[Served]:
    """Have the engine's model served for the length of the block. For vLLM a Ray must run, and what a replica that died
    said last is kept in `run`. A vision model will be sent at most `pictures_per_request` in one request.

    Raises SetupError and BuildError as `start_llamacpp` and `start_fleet` do.
    """
    if isinstance(engine, OpenaiEngine):
        key = read_api_key(engine.api_key_env)
        yield Served(Service(list_addresses(engine), api_key=SecretStr(key) if key else None), list)
    elif isinstance(engine, LlamacppEngine):
        from docmatix.models.llamacpp import start_llamacpp

        began = time.monotonic()
        with start_llamacpp(engine) as server:
            say(f"serving   {engine.model} with llama.cpp ({time.monotonic() - began:.1f} s to start)")
            yield Served(Service((server.base_url,), api_key=server.api_key), server.look)
    else:
        from docmatix.models.vllm.replica_pool import make_key, start_fleet

        own = make_key()
        with start_fleet(engine, key=own, pictures_per_request=pictures_per_request, say=say, run=run) as fleet:
            yield Served(Service(replicas=fleet.replicas, api_key=own), fleet.look)
