"""A model that is served: where it is asked, and how the build looks after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Service:
    """Where a model is asked: at fixed `addresses`, or wherever the `replicas` (Ray actors) say."""

    addresses: tuple[str, ...] = ()
    replicas: tuple[Any, ...] = ()
    api_key: SecretStr | None = None


NOWHERE = Service()


@dataclass(frozen=True, slots=True)
class Served:
    """A running service, from the driver's side. `look` returns the state of each server that the build runs, and
    raises BuildError once none of them can be asked any more."""

    service: Service
    look: Callable[[], list[dict[str, Any]]]
