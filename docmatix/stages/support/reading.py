"""Reading a run without building: the job that its last build left, its engines, and its balance."""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from docmatix.config import Config
from docmatix.config.loading import parse_config
from docmatix.core.errors import LedgerError, SetupError
from docmatix.core.ledger import Ledger
from docmatix.core.redaction import hide_in_url
from docmatix.models.engine import Engine
from docmatix.pipeline import PIPELINE, STAGES
from docmatix.stages.support.job import Job
from docmatix.storage.run import Run


def read_job(run: Run) -> Job:
    """The job as the last build left it in its run directory, for verbs that only look. Raises SetupError if none."""
    run.require_reachable()
    if not run.exists("run.yaml"):
        raise SetupError(f"There is no run in {hide_in_url(run.url)} (no run.yaml).")
    try:
        config = parse_config(yaml.safe_load(run.read("run.yaml")), origin=f"{run.url}/run.yaml")
        fingerprints = json.loads(run.read("fingerprints.json")) if run.exists("fingerprints.json") else {}
        if not isinstance(fingerprints, dict):
            raise ValueError("it is not a mapping")  # noqa: TRY004
    except (yaml.YAMLError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SetupError(
            f"run.yaml or fingerprints.json of {hide_in_url(run.url)} is damaged ({reason}): restore it. A"
            " fingerprints.json that was removed is written again by the next build."
        ) from None
    return Job(run, config, {}, fingerprints or dict.fromkeys(STAGES, ""), driver_id="")


def list_engines(config: Config) -> list[Engine]:
    """The engines of a build, each once."""
    engines = [config.generate.engine]
    for check in config.verify:
        if (engine := config.choose_check_engine(check)) not in engines:
            engines.append(engine)
    return engines


def check_chain(job: Job, stage: str, ledger: Ledger, *, known: Mapping[str, Ledger] | None = None) -> None:
    """What entered a stage must be what left the one before. Raises LedgerError.

    `known` are ledgers that were added up already: that of a stage takes as many requests as it has shards.
    """
    ledgers = dict(known or {})
    for unit, earlier in PIPELINE[stage].links:
        if earlier not in ledgers:
            ledgers[earlier] = job.run.ledger(earlier)
        left = ledgers[earlier].accounts[unit].kept
        if ledger.accounts[unit].entered != left:
            raise LedgerError(
                f"{left} {unit} left {earlier} but {ledger.accounts[unit].entered} entered {stage}. This is a bug in"
                " docmatix; please report it."
            )
