"""Fingerprints: which stages a change of the configuration or of a prompt makes run again, and which it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from docmatix.config import Config
from docmatix.config.loading import parse_config
from docmatix.core.kinds import Kind, list_sections
from docmatix.core.settings import Section
from docmatix.curation.filters import FILTERS
from docmatix.models.engine import Engine
from docmatix.models.sampling import Sampling
from docmatix.models.tokenizer import ESTIMATE
from docmatix.pdf.ocr.tessdata import find_tessdata
from docmatix.pipeline import STAGES
from docmatix.prompting.prompt_files import load_prompts
from docmatix.stages.support.fingerprints import fingerprint_stages, hash_json
from docmatix.verification import CHECKS
from docmatix.verification.judge import Weights

CHECKED = [check.default_prompt for check in CHECKS]
PROMPTS = load_prompts(["extractive", *CHECKED], [Path(__file__).parents[3] / "prompts"])

SOURCES: dict[str, dict[str, Any]] = {
    kind: {"kind": kind, "paths": ["docs"]} for kind in ("files", "webdataset", "parquet")
}
ENGINES: dict[str, dict[str, Any]] = {
    "llamacpp": {"kind": "llamacpp"},
    "openai": {"kind": "openai", "model": "m", "base_url": "http://a"},
    "vllm": {"kind": "vllm", "model": "m"},
}

OCR: dict[str, dict[str, Any]] = {kind: {"kind": kind} for kind in ("auto", "tesseract", "rapidocr", "none")}
NOT_READ_BY = {("rapidocr", "languages")}  # it has one model for all

ASKING: dict[str, tuple[Any, bool]] = {
    # what every engine has: (another value, whether it changes the replies)
    "sampling": ({"temperature": 0.1}, True),
    "chat_template_kwargs": ({"enable_thinking": False}, True),
    "tokenizer": ("other", False),  # its content counts, by `counter_id`
    "vision": (True, True),
    "timeout_s": (5, False),
    "give_up_after_s": (5, False),
    "max_attempts": (5, False),
}

KEYS: dict[str, tuple[Any, str | None]] = {
    # key: (another value, the first stage that runs again)
    "name": ("other", None),  # another name is refused for the same run
    "seed": (7, "generate"),
    "source[files].paths": (["elsewhere"], "plan"),
    "source[webdataset].paths": (["elsewhere"], "plan"),
    "source[webdataset].use_json": (True, "plan"),
    "source[parquet].paths": (["elsewhere"], "plan"),
    "source[parquet].column": ("file", "plan"),
    "plan.documents_per_shard": (3, None),
    "plan.shard_mb": (3, None),
    "extract.timeout_s": (5, "extract"),
    "extract.memory_mb": (1024, "extract"),
    "extract.max_file_mb": (5, "extract"),
    "extract.max_pages": (5, "extract"),
    "extract.max_words": (5, "extract"),
    "extract.min_words": (6, "extract"),
    "extract.tables": (False, "extract"),
    **{
        f"extract.ocr[{kind}].{name}": (value, None if (kind, name) in NOT_READ_BY or kind == "none" else "extract")
        for kind in OCR
        for name, value in {"languages": ["deu"], "min_confidence": 0.9, "timeout_s": 5, "memory_mb": 2048}.items()
    },
    # its content counts, by what the engine says of itself
    **{f"extract.ocr[{kind}].tessdata": (str(find_tessdata(None)), None) for kind in ("auto", "tesseract")},
    "dedup.exact": (False, "dedup"),
    "dedup.near": (False, "dedup"),
    "dedup.pages": (False, "dedup"),
    "dedup.threshold": (0.9, "dedup"),
    "dedup.memory_mb": (128, None),
    "window.max_pages": (2, "generate"),
    "generate.engine[llamacpp].model": ("other.gguf", "generate"),
    "generate.engine[llamacpp].context_tokens": (5000, "generate"),
    "generate.engine[llamacpp].slots": (2, None),
    "generate.engine[llamacpp].threads": (2, None),
    "generate.engine[llamacpp].max_in_flight": (2, None),
    "generate.engine[openai].model": ("other", "generate"),
    "generate.engine[openai].base_url": (["http://b", "http://c"], None),
    "generate.engine[openai].api_key_env": ("KEY", None),
    "generate.engine[openai].context_tokens": (5000, "generate"),
    "generate.engine[openai].guided": ("none", "generate"),
    "generate.engine[openai].max_in_flight": (2, None),
    "generate.engine[vllm].model": ("other", "generate"),
    "generate.engine[vllm].name": ("other", "generate"),
    "generate.engine[vllm].replicas": (2, None),
    "generate.engine[vllm].tensor_parallel_size": (2, None),
    "generate.engine[vllm].pipeline_parallel_size": (2, None),
    "generate.engine[vllm].gpus_per_replica": (2, None),
    "generate.engine[vllm].cpus_per_replica": (2, None),
    "generate.engine[vllm].max_model_len": (5000, "generate"),
    "generate.engine[vllm].dtype": ("float16", "generate"),
    "generate.engine[vllm].quantization": ("awq", "generate"),
    "generate.engine[vllm].gpu_memory_utilization": (0.5, None),
    "generate.engine[vllm].loras": ({"a": "b"}, "generate"),
    "generate.engine[vllm].lora": ("a", "generate"),
    "generate.engine[vllm].guided": ("none", "generate"),
    "generate.engine[vllm].grammar": (True, "generate"),
    "generate.engine[vllm].max_in_flight": (2, None),
    "generate.engine[vllm].python": ("/opt/vllm/bin/python", None),
    "generate.engine[vllm].extra_args": (["--enforce-eager"], None),
    "generate.engine[vllm].env": ({"A": "b"}, None),
    "generate.engine[vllm].start_timeout_s": (5, None),
    "generate.engine[vllm].hang_timeout_s": (5, None),
    "generate.engine[vllm].max_failed_starts": (5, None),
    "generate.pictures.max_per_request": (2, "generate"),
    "generate.pictures.dpi": (72, "generate"),
    "generate.pictures.max_side_px": (500, "generate"),
    "generate.pictures.quality": (50, "generate"),
    "generate.pictures.with_text": (False, "generate"),
    "generate.prompts": ([{"name": "extractive", "weight": 2}], "generate"),
    "generate.prompts_per_window": (2, "generate"),
    "generate.pairs_per_page": (2, "generate"),
    "generate.max_candidates": (2, "generate"),
    "generate.prompts_dir": ("elsewhere", None),
    "verify": (None, "verify"),
    "verify[round_trip].max_tokens": (5, "verify"),
    "verify[answer_again].from": ("text", "verify"),
    "verify[answer_again].single_pages": (True, "verify"),
    "verify[judge].from": ("text", "verify"),
    **{f"verify[judge].weights.{name}": (5, "verify") for name in Weights.model_fields},
    "curate.filters": ([{"kind": "length"}], "curate"),
    "pack.dpi": (72, "pack"),
    "pack.max_side_px": (500, "pack"),
    "pack.color": ("gray", "pack"),
    "pack.image_format": ("png", "pack"),
    "pack.quality": (50, "pack"),
    "pack.schema": ("docmatix", "pack"),
    "pack.file_mb": (5, "pack"),
    "pack.row_group_mb": (5, "pack"),
    "pack.max_row_mb": (5, "pack"),
    "pack.timeout_s": (5, "pack"),
    "pack.memory_mb": (1024, "pack"),
    "pack.license": ("mit", None),
    "limits.unexpected_share": (0.5, None),
    "limits.shard_attempts": (5, None),
    "limits.stall_s": (5, None),
    "limits.no_progress_s": (5, None),
    "limits.store_patience_s": (5, None),
    "limits.min_free_disk_mb": (5, None),
    "resources.address": ("auto", None),
    "resources.cpus": (1, None),
    "resources.workers": (2, None),
    "resources.generate_workers": (2, None),
    "resources.shards_in_flight": (2, None),
}
KEYS |= {
    f"generate.engine[{kind}].{name}": (value, "generate" if changes else None)
    for kind in ENGINES
    for name, (value, changes) in ASKING.items()
}
KEYS |= {f"generate.engine[none].{name}": (value, None) for name, (value, _) in ASKING.items()}
KEYS["generate.engine[none].max_in_flight"] = (2, None)
OF_CHECKS = {
    "name": "again",
    "engine": {"kind": "openai", "model": "n", "base_url": "http://b"},
    "prompt": "another",
    "sampling": {"temperature": 0.5},
    "styles": ["visual"],
    "prompts": ["extractive"],
    "share": 0.1,
}
KEYS |= {
    f"verify[{check.get_name()}].{name}": (value, "verify") for check in CHECKS for name, value in OF_CHECKS.items()
}
OF_ONE_VALUE = ["generate.engine[none].model"]


def walk_keys(model: type[Section], prefix: str = "") -> Iterator[str]:
    """Every key of a configuration; the kinds of a family by their name, in brackets."""
    for name, about in model.model_fields.items():
        key = prefix + (about.alias or name)
        several = get_origin(about.annotation) is tuple
        found = [] if several and key != "verify" else list_sections(about.annotation, about.metadata)
        sections = [each for each in found if not issubclass(each, Sampling)]
        tells_kinds_apart = name == "kind" and prefix.endswith("].")
        if not tells_kinds_apart and (several or not sections or type(None) in get_args(about.annotation)):
            yield key
        for section in sections:
            if issubclass(section, Engine) and prefix.startswith("verify"):
                continue  # the same keys as those of `generate`, and the whole engine has its line
            kind = f"[{section.get_name()}]" if issubclass(section, Kind) else ""
            yield from walk_keys(section, f"{key}{kind}.")


def make_content(key: str = "") -> dict[str, Any]:
    """A configuration in which `key` can be set."""
    source = next((source for kind, source in SOURCES.items() if f"source[{kind}]" in key), SOURCES["files"])
    engine = next((engine for kind, engine in ENGINES.items() if f"[{kind}]" in key), ENGINES["llamacpp"])
    names = [check.get_name() for check in CHECKS]
    content: dict[str, Any] = {
        "name": "test",
        "source": dict(source),
        "generate": {"engine": dict(engine), "prompts": ["extractive"]},
        "verify": {"kind": next((each for each in names if key.startswith(f"verify[{each}]")), "round_trip")},
    }
    if ocr := next((ocr for kind, ocr in OCR.items() if f"ocr[{kind}]" in key), None):
        content["extract"] = {"ocr": dict(ocr)}
    if "engine[none]" in key:
        content |= {"generate": {"engine": {"kind": "none"}}, "verify": {"kind": "round_trip", "engine": dict(engine)}}
    return content


def set_key(content: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = [part.split("[")[0] for part in key.split(".")]
    for part in parents:
        content = content.setdefault(part, {})
    content[last] = value


def fingerprint(content: dict[str, Any], prompts: Any = PROMPTS) -> dict[str, str]:
    return fingerprint_stages(parse_config(content), prompts)


def find_changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    assert list(before) == list(after) == list(STAGES)
    return [stage for stage in STAGES if before[stage] != after[stage]]


def list_from(stage: str | None) -> list[str]:
    return list(STAGES[STAGES.index(stage) :]) if stage else []


def test_every_key_of_the_configuration_has_its_line_in_the_table():
    assert sorted(walk_keys(Config)) == sorted([*KEYS, *OF_ONE_VALUE])


@pytest.mark.parametrize("key", KEYS)
def test_a_key_changes_the_fingerprints_it_should_and_no_other(key):
    for kind, package in (("rapidocr", "rapidocr"), ("tesseract", "tesserocr")):
        if f"ocr[{kind}]" in key:
            pytest.importorskip(package, reason=f"{package} is not installed")
    value, first = KEYS[key]
    content = make_content(key)
    before = fingerprint(content)
    set_key(content, key, value)
    assert parse_config(content) != parse_config(make_content(key)), "the table must hold another value"
    assert find_changed(before, fingerprint(content)) == list_from(first)


@pytest.mark.parametrize(("section", "kinds", "first"), [("source", SOURCES, "plan"), ("engine", ENGINES, "generate")])
def test_another_kind_of_source_or_engine_is_another_output(section, kinds, first):
    seen = []
    for values in kinds.values():
        content = make_content()
        (content["generate"] if section == "engine" else content)[section] = values
        seen.append(fingerprint(content))
    for number, one in enumerate(seen):
        for other in seen[number + 1 :]:
            assert find_changed(one, other) == list_from(first)


OTHERS: dict[Any, Any] = {bool: lambda value: not value, int: lambda value: value + 1, float: lambda value: value / 2}


@pytest.mark.parametrize(
    ("model", "field"),
    [(model, field) for model in FILTERS for field in model.model_fields if field != "kind"],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_every_setting_of_a_filter_changes_curate_and_what_follows(model, field):
    standard = model()
    value = getattr(standard, field)
    if model.model_fields[field].annotation == float | None:
        value = 1.0
    other = OTHERS.get(type(value), lambda value: ("x",) if isinstance(value, tuple) else "x")(value)
    fingerprints = []
    for settings in ({}, {field: other}):
        content = make_content()
        content["curate"] = {"filters": [{"kind": standard.model_dump()["kind"], **settings}]}
        fingerprints.append(fingerprint(content))
    assert find_changed(*fingerprints) == ["curate", "pack"]


def test_the_order_of_filters_counts_since_it_decides_the_reason():
    content = make_content()
    content["curate"] = {"filters": [{"kind": "length"}, {"kind": "markup"}]}
    before = fingerprint(content)
    content["curate"]["filters"].reverse()
    assert find_changed(before, fingerprint(content)) == ["curate", "pack"]


@pytest.mark.parametrize(("name", "first"), [("extractive", "generate"), ("round_trip", "verify")])
def test_a_changed_prompt_text_runs_again_what_asks_it(name, first):
    changed = {**PROMPTS, name: replace(PROMPTS[name], source_sha256="0" * 64)}
    assert find_changed(fingerprint(make_content()), fingerprint(make_content(), changed)) == list_from(first)


def test_another_count_of_tokens_cuts_texts_elsewhere_and_runs_generate_again():
    config = parse_config(make_content())
    before = fingerprint_stages(config, PROMPTS)
    assert fingerprint_stages(config, PROMPTS, counter_id=ESTIMATE.identity) == before
    assert find_changed(before, fingerprint_stages(config, PROMPTS, counter_id="0" * 64)) == list_from("generate")


def test_a_value_written_out_that_is_the_default_changes_nothing():
    content = make_content()
    before = fingerprint(content)
    content |= {"seed": 0, "pack": {"dpi": 150}, "curate": {}, "window": {"max_pages": 4}}
    assert fingerprint(content) == before


def test_the_order_of_keys_does_not_count_in_a_hash_and_the_values_do():
    assert hash_json({"a": 1, "b": [2]}) == hash_json({"b": [2], "a": 1})
    assert hash_json({"a": 1}) != hash_json({"a": "1"})
    assert hash_json([1, 2]) != hash_json([2, 1])
