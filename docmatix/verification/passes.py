"""Passes: the checks of a build, divided by the servers that they ask.

A GPU holds one model at a time: each pass asks one server about all shards, that of `generate` first, which is running.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from docmatix.models.engine import Engine
from docmatix.verification.check import Check


@dataclass(frozen=True, slots=True)
class Pass:
    """The checks that ask one server. `engine` is what it is served with."""

    engine: Engine
    checks: tuple[Check, ...]


def divide_passes(checks: Iterable[Check], *, default: Engine) -> tuple[Pass, ...]:
    """The passes over the checks, in their order, that of the `default` engine first. Engines that differ in what they
    ask alone, such as sampling, share a server."""
    groups: list[tuple[Engine, list[Check]]] = [(default, [])]
    for check in checks:
        engine = check.engine or default
        for served, members in groups:
            if served.shares_server(engine):
                members.append(check)
                break
        else:
            groups.append((engine, [check]))
    return tuple(Pass(engine, tuple(members)) for engine, members in groups if members)
