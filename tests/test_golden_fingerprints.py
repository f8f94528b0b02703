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
    """,
}
GOLDEN: dict[str, dict[str, str]] = {
    "files, llamacpp, no verify": {
        "plan": "17b112ed7c4a164e1d8b85d3d99b8474",
        "extract": "415d495840450a1cddee61cfaf585cd6",
        "dedup": "b28e8a0ed5f488a4ccc338db35041627",
        "generate": "e585e1a279a8c4839677e01af9c471be",
        "verify": "1bf1704b4e4319fb84369b856eb91120",
        "curate": "7913308eac33cc0db24334f59dc86dde",
        "pack": "6ad71e2b46b0b3bf75c7047f2e88e2a8",
    },
    "files, openai, verify by the same engine": {
        "plan": "6414d57a4916ab09078e3ad653401188",
        "extract": "3c08a5d39ce0e988f94bf60631400ccf",
        "dedup": "570a1f4ebf4ab88b93dcaca47790872d",
        "generate": "b865172271fd4d408cbc2ff14bfb9934",
        "verify": "f0454fe03943f8e6fdcabd3d7421bf34",
        "curate": "4770968c67f996bc6e2f2393ef875ccf",
        "pack": "e684cf413a6bf18aa47fa93c076de3cb",
    },
    "webdataset, vllm, verify by another engine": {
        "plan": "c8b03b863fb6737e5ff84a73b8cffe33",
        "extract": "da57770e45b2d6350fdd2169d91a32d6",
        "dedup": "5dc21a55a8e07cc140b2b5e693b218c4",
        "generate": "e2361bd4530ae664c11cb4298add9dc3",
        "verify": "68876c38652d258b0ebc5b158ac2dabc",
        "curate": "0496fdeb532ab096276c7ff3fe247860",
        "pack": "b0fd5edb464d88ef78ec8060273e5a9e",
    },
    "parquet, openai, every filter as it comes": {
        "plan": "20e4294f353843a9b2fa0d77a1cf6934",
        "extract": "19d0899b70c0547a6195c975cff098f7",
        "dedup": "70b584553a160e2abaae57562641f1fd",
        "generate": "d1d24966d58ded0f59068219f4824408",
        "verify": "e42bc092a95804a88e32b8149da15232",
        "curate": "13b0618db72fb89b4926d00cc7f6e62b",
        "pack": "360c121061b8ab3e99bc481cdf5afb05",
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
