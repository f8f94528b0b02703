"""Fingerprints: what a stage's output depends on, as one hash, chained over the stages it reads.

A stage whose fingerprint agrees with its commit records is not run again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from docmatix.config import Config
from docmatix.prompts import Prompt
from docmatix.secrets import identify_url
from docmatix.tokens import ESTIMATE

CODE_VERSIONS = {"plan": 1, "extract": 2, "dedup": 1, "generate": 5, "verify": 4, "curate": 3, "pack": 3}
"""Raise a stage's number with every change of code that changes its output."""


def hash_json(content: Any) -> str:
    """32 hex digits of a plain value, the same whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def fingerprint_stages(
    config: Config, prompts: Mapping[str, Prompt], *, counter_id: str = ESTIMATE.identity
) -> dict[str, str]:
    """The fingerprint of each stage. `prompts` holds every prompt that `generate` may draw, and `round_trip` where
    `verify` asks; only their names, weights and texts count, never where the files lie. `counter_id` is the identity of
    what counts tokens: it decides where texts are cut."""
    settings = config.to_fingerprint()
    # a link that was signed anew, or another password, leads to the same documents
    source = settings["source"] | {"paths": [identify_url(path) for path in settings["source"]["paths"]]}
    used = {name: prompt.source_sha256 for name, prompt in prompts.items()}
    round_trip = used.pop("round_trip", None)
    engine = config.verify_engine.to_fingerprint()
    depends: dict[str, tuple[list[str], Any]] = {
        "plan": ([], source),
        "extract": (["plan"], settings["extract"]),
        "dedup": (["extract"], settings["dedup"]),
        "generate": (["dedup"], [settings["seed"], settings["window"], settings["generate"], used, counter_id]),
        "verify": (["generate"], settings["verify"] and [settings["verify"], engine, round_trip]),
        "curate": (["verify"], settings["curate"]),
        "pack": (["curate"], settings["pack"]),
    }
    fingerprints: dict[str, str] = {}
    for stage, (reads, content) in depends.items():
        chained = [fingerprints[earlier] for earlier in reads]
        fingerprints[stage] = hash_json([stage, CODE_VERSIONS[stage], content, chained])
    return fingerprints
