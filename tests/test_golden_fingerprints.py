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
        "extract": "88aa6ae384bb41298b6272476d78e4e1",
        "dedup": "10fccee0a24df9c3cd95b9062e2bc157",
        "generate": "4e9acfa11be83fde93735ad321b561eb",
        "verify": "2807ceabc397c7dc52e5310d0c00f657",
        "curate": "93dd3950c704930890033180da451067",
        "pack": "e6a6480735dec14a5ab335ea30bfbd7d",
    },
    "files, openai, verify by the same engine": {
        "plan": "6414d57a4916ab09078e3ad653401188",
        "extract": "4cdd86e71a96c7a6f6b67cb8e8646863",
        "dedup": "7781c3e3dfb9524a61a2dc1859c512a1",
        "generate": "71e78a293bbc214835921dbc5a563c19",
        "verify": "b06a489c8fa4f86584e45fbea897604d",
        "curate": "50f6e12376efc5f5aa6159f7d086cefe",
        "pack": "854cfbb33ccac79eca07ab22bda90d5b",
    },
    "webdataset, vllm, verify by another engine": {
        "plan": "c8b03b863fb6737e5ff84a73b8cffe33",
        "extract": "cb7d079e30369d5dbabc93fd28f1a5ce",
        "dedup": "0ebb9b4fdcbfd819139592df8f4fe1fd",
        "generate": "337888f2e883f419601501e29fb833bb",
        "verify": "a5a7689017435fff876973f1e614764f",
        "curate": "22c535023b6d63f991f134aa3e36c7a9",
        "pack": "dacccbac183ecf1b45e0459535831026",
    },
    "parquet, openai, every filter as it comes": {
        "plan": "20e4294f353843a9b2fa0d77a1cf6934",
        "extract": "a9bf571713b55147a7cce0097462f2af",
        "dedup": "1291e72057f8dfdaa8e73a00b0361486",
        "generate": "03c3fefcbc9b484a7a94bebdaa65c501",
        "verify": "6c1e96b6279fc516402ad419e4b97f3f",
        "curate": "05cd0cc5cc2b67f3db814e0dd5906e79",
        "pack": "36c5f6d990519fc55e8d9c75a42f0dc3",
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
