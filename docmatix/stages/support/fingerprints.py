"""Fingerprints: a hash of all that a stage's output depends on, chained over the stages before it.

A stage whose commit records have its fingerprint does not run again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from docmatix.config import Config
from docmatix.core.redaction import identify_url
from docmatix.models.tokenizer import ESTIMATE
from docmatix.pipeline import EXTRACT, GENERATE, PIPELINE, PLAN, VERIFY
from docmatix.prompting.prompts import WRITING, Prompt


def hash_json(content: Any) -> str:
    """32 hex digits of a plain value, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def fingerprint_stages(
    config: Config, prompts: Mapping[str, Prompt], *, counter_id: str = ESTIMATE.identity
) -> dict[str, str]:
    """The fingerprint of each stage. `prompts` are those that `generate` may draw and those of the checks; their names,
    weights and texts count, not their paths. `counter_id` identifies the token counter, which decides where texts are
    cut."""
    settings = config.to_fingerprint()
    # another signature or password leads to the same documents
    source = settings["source"] | {"paths": [identify_url(path) for path in settings["source"]["paths"]]}
    used = {name: prompt.source_sha256 for name, prompt in prompts.items() if prompt.family in WRITING}
    checking = {name: prompt.source_sha256 for name, prompt in prompts.items() if name not in used}
    engines = [config.choose_check_engine(check).to_fingerprint() for check in config.verify]
    ocr = config.extract.ocr.choose()
    shows_pages = any(prompt.family == "vision" for prompt in prompts.values())
    # most stages depend on their own section
    depends: dict[str, Any] = settings | {
        PLAN: source,
        # `auto` is the engine that it chooses here
        EXTRACT: [settings[EXTRACT] | {"ocr": ocr.to_fingerprint()}, ocr.identify(), shows_pages],
        GENERATE: [settings["seed"], settings["window"], settings[GENERATE], used, counter_id],
        VERIFY: [settings[VERIFY], engines, checking],
    }
    fingerprints: dict[str, str] = {}
    before: list[str] = []
    for stage in PIPELINE.values():
        fingerprint = hash_json([stage.name, stage.code_version, depends[stage.name], before])
        fingerprints[stage.name] = fingerprint
        before = [fingerprint]
    return fingerprints


def identify_checks(config: Config, prompts: Mapping[str, Prompt], *, generated: str) -> dict[str, str]:
    """What the requests and scores of each check of `verify` depend on, by its label: its settings, prompt and engine,
    and the pairs and pages, for which `generated`, the fingerprint of `generate`, stands. Another check beside it
    changes nothing."""
    version = PIPELINE[VERIFY].code_version
    return {
        check.label: hash_json(
            [
                version,
                check.to_fingerprint(),
                config.choose_check_engine(check).to_fingerprint(),
                prompts[check.prompt_name].source_sha256,
                generated,
            ]
        )
        for check in config.verify
    }
