"""The fingerprints of some configurations, written down: code that moves must not change them, or runs start over.

One that changes here on purpose comes with a raised code version, or with a setting that has a line in the CHANGELOG.
They do without OCR, of which the version and the models that are installed count, too.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from docmatix.config.loading import parse_config
from docmatix.models.tokenizer import ESTIMATE
from docmatix.prompting.prompt_files import load_prompts
from docmatix.prompting.prompts import Prompt
from docmatix.stages.support.fingerprints import fingerprint_stages
from tests.jobs import SHIPPED

CONFIGS = {
    "files, llamacpp, no verify": """
        name: golden
        extract: {ocr: {kind: none}}
        source: {kind: files, paths: [/pdfs]}
        generate: {engine: {kind: llamacpp}, prompts: [broad_whole]}
    """,
    "files, openai, verify by the same engine": """
        name: golden
        seed: 7
        source: {kind: files, paths: ["/pdfs/*.pdf", "https://user:word@example.org/a.pdf?X-Amz-Signature=1"]}
        extract: {max_pages: 20, tables: false, ocr: {kind: none}}
        dedup: {threshold: 0.9}
        window: {max_pages: 2}
        generate:
          engine:
            kind: openai
            model: m
            base_url: [http://a/v1, http://b/v1]
            sampling: {temperature: 0.5, stop: [END]}
            guided: none
          prompts: [{name: broad_whole, weight: 2, sampling: {top_p: 0.9}}, extractive]
          prompts_per_window: 2
        verify: {kind: round_trip, max_tokens: 32}
        curate:
          filters:
            - {kind: length, max_answer_chars: 100, styles: [extractive]}
            - {kind: grounded, min_score: 0.8}
        pack: {dpi: 100, image_format: png, schema: docmatix, license: mit}
    """,
    "webdataset, vllm, verify by another engine": """
        name: golden
        extract: {ocr: {kind: none}}
        source: {kind: webdataset, paths: ["s3://bucket/shards/*.tar"], use_json: true}
        generate:
          engine:
            kind: vllm
            model: org/model
            vision: true
            loras: {first: /loras/first, second: /loras/second}
            lora: first
            max_model_len: 4096
            chat_template_kwargs: {enable_thinking: false}
          prompts: [broad_whole]
          pictures: {dpi: 100, with_text: false}
        verify: {kind: round_trip, engine: {kind: openai, model: judge, base_url: http://judge/v1}}
    """,
    "parquet, openai, every filter as it comes": """
        name: golden
        extract: {ocr: {kind: none}}
        source: {kind: parquet, paths: [data/part.parquet], column: file}
        generate: {engine: {kind: openai, model: m, base_url: http://a/v1}, prompts: [extractive]}
        curate:
          filters:
            - {kind: length}
            - {kind: question_form}
            - {kind: refusal}
            - {kind: markup}
            - {kind: references}
            - {kind: language}
            - {kind: copies_example}
            - {kind: echo}
            - {kind: duplicate}
            - {kind: grounded}
            - {kind: round_trip}
            - {kind: clarity}
            - {kind: fluent}
    """,
}
GOLDEN: dict[str, dict[str, str]] = {
    "files, llamacpp, no verify": {
        "plan": "17b112ed7c4a164e1d8b85d3d99b8474",
        "extract": "1ab9f502fd11ace7256f5995eae11dcb",
        "dedup": "66609955d0f24ec678ec3702d406bf32",
        "generate": "d796a6455e6c2fb5c395b5f91ed262a0",
        "verify": "ed4f813abca80addedb1d5a14e768f56",
        "curate": "70bd98f27b73aabe85403eac41f3e5f9",
        "pack": "4e2b8d05c77c9bfc15e0ba8d1b751dad",
    },
    "files, openai, verify by the same engine": {
        "plan": "6414d57a4916ab09078e3ad653401188",
        "extract": "c5bce3cd3807028f16087d03c4c575ee",
        "dedup": "b1b97e9d0dd02c9f7341f8ea25ce8cad",
        "generate": "a3698ee930b002e9810e1aa4df690e12",
        "verify": "d9ad74e68819440e175a86e229eab7e9",
        "curate": "ba43207bd535b80218318d0872d29fdc",
        "pack": "cf12ee90242b5ac86f93d6ef8434a2cb",
    },
    "webdataset, vllm, verify by another engine": {
        "plan": "c8b03b863fb6737e5ff84a73b8cffe33",
        "extract": "b56936eca58f53ae81df02b9b06ac96f",
        "dedup": "bedaa115b2451eb569b41425a73eaa4c",
        "generate": "d8ac31c04ee274e844c2249dd829bc2d",
        "verify": "46f24adff785ccf78c56ffde584b3d38",
        "curate": "c0ec6e3614a751ef1ad36ef876139ebc",
        "pack": "533eb077a89f45f56234f06f2a7dd90a",
    },
    "parquet, openai, every filter as it comes": {
        "plan": "20e4294f353843a9b2fa0d77a1cf6934",
        "extract": "a09c33b0d161bb818552b04f8c8c0309",
        "dedup": "ac966de96d4fb5d3dfa94db89285cc10",
        "generate": "c68f642ed482e6fd4f3be309c26440e4",
        "verify": "84e4a9ca997d06a39bd4768c0cc332e1",
        "curate": "f2370d01d24fcf2e77defc14d4b5ddc6",
        "pack": "d7ae904ff978d1c326aa11695668fcc7",
    },
}


def load_fixed_prompts(*names: str) -> dict[str, Prompt]:
    """Prompts whose texts, which may be written better, do not count here."""
    loaded = load_prompts(names, [SHIPPED])
    return {name: replace(prompt, source_sha256=name.ljust(64, "0")) for name, prompt in loaded.items()}


def fingerprint(name: str) -> dict[str, str]:
    config = parse_config(yaml.safe_load(CONFIGS[name]))
    names = [choice if isinstance(choice, str) else choice.name for choice in config.generate.prompts]
    prompts = load_fixed_prompts(*names, *(["round_trip"] if config.verify else []))
    counter_id = "of-a-vocabulary" if config.generate.engine.kind == "vllm" else ESTIMATE.identity
    return fingerprint_stages(config, prompts, counter_id=counter_id)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_fingerprints_of_a_configuration_are_what_they_were(name: str) -> None:
    assert fingerprint(name) == GOLDEN[name]
