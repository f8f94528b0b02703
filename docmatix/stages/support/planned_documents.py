"""The documents of a planned shard, as later stages may read them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from docmatix.core.redaction import GivenUrls
from docmatix.pipeline import PLAN
from docmatix.sources.bounds import SourceBounds
from docmatix.sources.locators import Locator
from docmatix.stages.support.job import Job


def read_plan(job: Job, shard: int) -> list[Locator]:
    """A shard's locators in order, with the passwords and signatures that only the configuration has. One that leads
    out of the source was not planned from it and has the problem `outside_source`."""
    given = _know_secrets(job.config.source.paths)
    bounds = know_bounds(job.config.source.paths)
    rows = job.run.iterate_rows(PLAN, shard)
    found = (Locator(**row | {"address": given.restore(row["address"])}) for row in rows)
    return [
        each if each.problem or bounds.allows(each.address) else replace(each, problem="outside_source")
        for each in found
    ]


@lru_cache(maxsize=1)  # a stage may read a shard of the plan for each of its own
def _know_secrets(paths: tuple[str, ...]) -> GivenUrls:
    return GivenUrls(paths)


@lru_cache(maxsize=1)
def know_bounds(paths: tuple[str, ...]) -> SourceBounds:
    """Where addresses of these `source.paths` may lead."""
    return SourceBounds(paths)
