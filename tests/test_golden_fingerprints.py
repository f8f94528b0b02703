"""The fingerprints of some configurations, written down: code that moves must not change them, or runs start over.

One that changes here on purpose comes with a raised code version, or with a setting that has a line in the CHANGELOG.
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
        source: {kind: files, paths: [/pdfs]}
        generate: {engine: {kind: llamacpp}, prompts: [broad_whole]}
    """,
    "files, openai, verify by the same engine": """
        name: golden
        seed: 7
        source: {kind: files, paths: ["/pdfs/*.pdf", "https://user:word@example.org/a.pdf?X-Amz-Signature=1"]}
        extract: {max_pages: 20, tables: false}
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
        "extract": "c824b3cdcfdb5ee372b837b592f90efe",
        "dedup": "d5d4f1370b8d200d89bd5c155eee7323",
        "generate": "d1a99ee26806ff00259be0ea71decf91",
        "verify": "42e91f906e18852070bde2b3d9e88b64",
        "curate": "b216d16665a0e3e156e0c2efc6748e7a",
        "pack": "c8c376d6834e88194a581e03bc36a728",
    },
    "files, openai, verify by the same engine": {
        "plan": "6414d57a4916ab09078e3ad653401188",
        "extract": "8890e5b5fdfd264e88fa86b02f2afb09",
        "dedup": "f40f3f40a6c5520532da11d78309c2b0",
        "generate": "e2588ab9345aaef4310807cc1c781fe6",
        "verify": "877c4078b0bc253f7f4085977f8a4822",
        "curate": "e2e716b76596375cf448a2951cbbbcb1",
        "pack": "6a20b857d1a9c0fa9337adb3d6237cab",
    },
    "webdataset, vllm, verify by another engine": {
        "plan": "c8b03b863fb6737e5ff84a73b8cffe33",
        "extract": "2bf1a07ff24226a04cf694eb1366ca89",
        "dedup": "86351966f043b66ec8d10c6d8936a96f",
        "generate": "44d199392cc9bf56ebc9b020cbcf826e",
        "verify": "0a8273771b8350fc450ff213309c8a3e",
        "curate": "3f0dd53a9eccd0b009223c082eaaaacf",
        "pack": "37bf7e453e9c760aa64a22d7fa92cf26",
    },
    "parquet, openai, every filter as it comes": {
        "plan": "20e4294f353843a9b2fa0d77a1cf6934",
        "extract": "78a974c9c4987f12e8c9031cc7642217",
        "dedup": "d33c09980906d4d51ebb71cb25285194",
        "generate": "3832892bfb32c4634ac43c903d6ffb24",
        "verify": "8324284afe87c21379f8ea07ab192a04",
        "curate": "b1bd6aeb997df1c3763c07f71b547e5f",
        "pack": "ae6e3627e339766bd3fa7c5352a0fbc0",
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
