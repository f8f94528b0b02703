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
    """The checks that ask one server. `engine` is what it is served with, as patient as the most patient of theirs."""

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
    return tuple(Pass(_be_patient(engine, members), tuple(members)) for engine, members in groups if members)


def _be_patient(engine: Engine, checks: Iterable[Check]) -> Engine:
    """The engine with the longest of the waits: a model that thinks takes longer to judge than to write."""
    asked = [engine, *(check.engine for check in checks if check.engine is not None)]
    waits = ("timeout_s", "give_up_after_s", "max_attempts")
    return engine.model_copy(update={name: max(getattr(each, name) for each in asked) for name in waits})
