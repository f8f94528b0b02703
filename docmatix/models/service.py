"""A served model: where to send requests, and how the build monitors it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Service:
    """Where to send requests: to fixed `addresses`, or to those that the `replicas` (Ray actors) report."""

    addresses: tuple[str, ...] = ()
    replicas: tuple[Any, ...] = ()
    api_key: SecretStr | None = None


NOWHERE = Service()


@dataclass(frozen=True, slots=True)
class Served:
    """A running service, as the driver sees it. `look` returns the state of each server that the build runs, and raises
    BuildError once none of them is usable."""

    service: Service
    look: Callable[[], list[dict[str, Any]]]
