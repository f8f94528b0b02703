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
        "dedup": "372d7d3b669a97dc152dc2c474f0b63d",
        "generate": "d4e4c76c924241bd62752865babf7b55",
        "verify": "fa369d2c30a638dea8f4865be4827be7",
        "curate": "1ca1d78b95913039da84f533a69d250a",
        "pack": "e0d9751f13666033066e48c4e4b7e8f1",
    },
    "files, openai, verify by the same engine": {
        "plan": "6414d57a4916ab09078e3ad653401188",
        "extract": "c5bce3cd3807028f16087d03c4c575ee",
        "dedup": "1a7b0b362c8ebcc53b7f2fdbde27dcea",
        "generate": "405fe3b974be087139365df3a8558b40",
        "verify": "e9cc7b2c7db0313a175ead16fe3d3a35",
        "curate": "31c4a2354bf02fb70614e2ba1e099a87",
        "pack": "5a96ae320e94ff38f811d5262d5741a8",
    },
    "webdataset, vllm, verify by another engine": {
        "plan": "c8b03b863fb6737e5ff84a73b8cffe33",
        "extract": "b56936eca58f53ae81df02b9b06ac96f",
        "dedup": "61090a29b0fb63d38fcaf479e32d0c7c",
        "generate": "c553011b15c34bf4d32efe1120296aaf",
        "verify": "9842e1cfe055d89cc47c6d5298e8bdf3",
        "curate": "f18231360200767f47d68a0d94e6abd0",
        "pack": "0d711c8dc12da1ad0cc0f89078edf328",
    },
    "parquet, openai, every filter as it comes": {
        "plan": "20e4294f353843a9b2fa0d77a1cf6934",
        "extract": "a09c33b0d161bb818552b04f8c8c0309",
        "dedup": "c83e7af4d5bfb2c4e230f3357c28ef54",
        "generate": "c238532b989ec0430d4bf00e5971b301",
        "verify": "7e4138542871210aac4a1a7f30c72ca5",
        "curate": "fd237506d0ae672ebf82ea3b755a95f8",
        "pack": "3b99d05701636faa646a8a90f3d65fca",
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
