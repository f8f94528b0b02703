"""The names that docmatix gives to files of a run: nothing else is removed, or read because a record names it."""

from __future__ import annotations

import re
from typing import Any

from docmatix.pipeline import PACK, STAGES

DECIDED_KEYS = "dedup/keys"
"""A folder: what is kept of documents that were decided about, see `docmatix.stages.support.decided_documents`."""
FOLDERS = (
    *STAGES,
    DECIDED_KEYS,
    "dataset",
    "dataset/data",
    "dataset/plots",
    "dataset/samples",
    "telemetry",
    "telemetry/live",
)
"""Folders checked before work in a run begins."""
TOKENIZER_FILE = "tokenizer.json"
"""In a model's folder or repository, and in a run."""
PLANNED_KEYS = "plan/keys.index"
"""The keys of the planned documents; see `docmatix.stages.plan`."""
RECORD_INDEX = "records.index"
"""In a stage's folder: its records in one file, see `docmatix.storage.record_index`."""
SINGLE = (".lock", "run.yaml", "fingerprints.json", TOKENIZER_FILE, "SHA256SUMS")
"""Files right in the run that are read again."""

_STAGE = f"(?:{'|'.join(STAGES)})"
_PART_FILE = r"part-\d{5,}(?:-[0-9a-f]{8})?\.parquet"
_DATA_FILE = r"dataset/data/\w+-\d{5,}-of-\d{5,}\.parquet"
_KEYS = r"part-\d{5,}-[0-9a-f]{8}\.parquet"
_REPLIES = r"(?:part-\d{5,}/)?[\w-]+\.parquet"
_OWN = re.compile(
    rf"{_STAGE}/(?:{_PART_FILE}|part-\d{{5,}}\.json|{re.escape(RECORD_INDEX)}|replies/{_REPLIES})"
    rf"|plan/keys\.index|{DECIDED_KEYS}/{_KEYS}"
    rf"|{_DATA_FILE}|dataset/(?:README\.md|stats\.json|plots/[a-z0-9-]+\.png|samples/\d+\.jpg)"
    r"|telemetry/(?:[\w-]+\.json|logs/replica-\d+-\w+\.log)"
    rf"|telemetry/live/[\w-]+(?:\.json|/(?:probe|[\w-]+\.json))|telemetry/attempts/[\w-]+/{_STAGE}-\d{{5,}}(?:-in-hand)?/\d+"
    r"|(?:[\w-]+/)*\.[0-9a-f]{32}\.tmp",
    re.ASCII,
)
_NAMED = {PACK: re.compile(_DATA_FILE, re.ASCII)}
_REPLY_FILE = re.compile(_REPLIES, re.ASCII)
_NAMED_ELSEWHERE = re.compile(_PART_FILE, re.ASCII)


def is_own(name: str) -> bool:
    """Whether docmatix gives a file this name, a path relative to the run."""
    return _OWN.fullmatch(name) is not None


def choose_pattern(stage: str) -> re.Pattern[str]:
    """What the names of a stage's files look like in its records."""
    return _NAMED.get(stage, _NAMED_ELSEWHERE)


def list_beside_parts(stage: str) -> set[str]:
    """What a stage's folder may hold beside parts and their records: files, and folders with files."""
    own = (name.partition("/") for name in (PLANNED_KEYS, DECIDED_KEYS))
    return {"replies", RECORD_INDEX, *(name for of_stage, _, name in own if of_stage == stage)}


def find_foreign_name(stage: str, file: str, extra: dict[str, Any]) -> str | None:
    """A name in a shard's record that is not a file of its stage: an absolute path, one with `..`, a folder."""
    if not choose_pattern(stage).fullmatch(file):
        return file
    return find_foreign_reply(extra)


def find_foreign_reply(extra: dict[str, Any]) -> str | None:
    """A name among the `replies` of a record that is not a file of replies."""
    replies = extra.get("replies", ())
    if not isinstance(replies, list | tuple):
        return str(replies)
    return next((str(name) for name in replies if not _REPLY_FILE.fullmatch(str(name))), None)
