"""The stages of a build in one table: what each reads and counts, its code version, and where its code is.

    plan -> extract -> dedup -> generate -> verify -> curate -> pack

All other modules rely on this table. It imports nothing from docmatix, so that everything may import it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

PLAN: Final = "plan"
EXTRACT: Final = "extract"
DEDUP: Final = "dedup"
GENERATE: Final = "generate"
VERIFY: Final = "verify"
CURATE: Final = "curate"
PACK: Final = "pack"


class Link(NamedTuple):
    """The count of a `unit` that enters a stage must equal what the `earlier` stage kept."""

    unit: str
    earlier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage. Its fingerprint includes that of the stage before it in the table, whatever it `reads`."""

    name: str
    """Also the name of its section in the configuration and of its folder in a run."""
    code_version: int
    """Increase it with every code change that affects the stage's output, which is then produced again."""
    shell: str
    """`module:function` that processes one shard, or all of them without `workers`."""
    reads: tuple[str, ...] = ()
    """The stages from whose shard of the same number a shard is made."""
    units: tuple[str, ...]
    """The units that its ledger counts."""
    links: tuple[Link, ...] = ()
    schema: str | None
    """The schema of its files, as `module:name`; None if the configuration decides."""
    workers: bool = True
    """Whether workers are given its shards; otherwise it runs in the driver."""
    asks: bool = False
    """Whether it asks a model."""
    sandboxed: bool = False
    """Whether its shell receives a sandbox for documents."""
    optional: bool = False
    """Whether a configuration may leave it out."""
    done_in: str | None = None
    """The unit by which a running shard reports progress; None if it reports none."""
    shows_pairs_as: str | None = None
    """The label for pairs kept by running shards."""

    def load_shell(self) -> Callable[..., Any]:
        """Import the function that `shell` names."""
        shell: Callable[..., Any] = pkgutil.resolve_name(self.shell)
        return shell

    def load_schema(self) -> pa.Schema:
        """Import what `schema` names; not for a stage whose schema depends on the configuration."""
        assert self.schema is not None, f"{self.name} has no schema of its own"
        return pkgutil.resolve_name(self.schema)


PIPELINE: Final[Mapping[str, Stage]] = {
    stage.name: stage
    for stage in (
        Stage(
            name=PLAN,
            code_version=1,
            shell="docmatix.stages.plan:plan_shards",
            units=("documents",),
            schema="docmatix.storage.schemas:PLAN",
            workers=False,
        ),
        Stage(
            name=EXTRACT,
            code_version=8,
            shell="docmatix.stages.extract:extract_shard",
            reads=(PLAN,),
            units=("documents", "pages"),
            links=(Link("documents", PLAN),),
            schema="docmatix.storage.schemas:EXTRACT",
            sandboxed=True,
            done_in="documents",
        ),
        Stage(
            name=DEDUP,
            code_version=3,
            shell="docmatix.stages.dedup:dedup_documents",
            reads=(EXTRACT,),
            units=("documents", "pages"),
            links=(Link("documents", EXTRACT), Link("pages", EXTRACT)),
            schema="docmatix.storage.schemas:DEDUP",
            workers=False,
        ),
        Stage(
            name=GENERATE,
            code_version=9,
            shell="docmatix.stages.generate:generate_shard",
            reads=(EXTRACT, DEDUP),
            units=("documents", "windows", "requests", "pairs"),
            links=(Link("documents", DEDUP),),
            schema="docmatix.storage.schemas:GENERATE",
            asks=True,
            done_in="requests",
            shows_pairs_as="pairs",
        ),
        Stage(
            name=VERIFY,
            code_version=8,
            shell="docmatix.stages.verify:verify_shard",
            reads=(EXTRACT, DEDUP, GENERATE),
            units=("requests", "pairs"),
            links=(Link("pairs", GENERATE),),
            schema="docmatix.storage.schemas:VERIFY",
            asks=True,
            optional=True,
            done_in="pairs",
        ),
        Stage(
            name=CURATE,
            code_version=8,
            shell="docmatix.stages.curate:curate_shard",
            reads=(EXTRACT, DEDUP, GENERATE, VERIFY),
            units=("pairs",),
            links=(Link("pairs", GENERATE),),
            schema="docmatix.storage.schemas:CURATE",
            done_in="pairs",
            shows_pairs_as="kept",
        ),
        Stage(
            name=PACK,
            code_version=6,
            shell="docmatix.stages.pack:pack_file",
            # reads no shard by number: it divides the pairs of all shards into files of its own
            units=("rows", "pages", "pairs"),
            links=(Link("pairs", CURATE),),
            schema=None,
            sandboxed=True,
            done_in="rows",
        ),
    )
}
STAGES: Final = tuple(PIPELINE)
"""All stage names, in order."""
ASKING: Final = tuple(stage.name for stage in PIPELINE.values() if stage.asks)
"""The stages that ask a model."""


def list_stages(*, verify: bool) -> list[str]:
    """The stages of a build, in order; without `verify` only the mandatory ones."""
    return [stage.name for stage in PIPELINE.values() if verify or not stage.optional]
