"""The dataset card, compared with `tests/golden/card.md`; after a wanted change write that anew with
`DOCMATIX_UPDATE_GOLDEN=1 pytest tests/test_card.py` and read the difference."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from docmatix.card import write_card
from docmatix.config import Config, Pack
from docmatix.ledger import Ledger
from docmatix.pdf.rendering import PageImage
from docmatix.statistics import Statistics, summarise
from tests.jobs import load_shipped, make_config

GOLDEN = Path(__file__).parent / "golden" / "card.md"


def summarise_some() -> dict[str, Any]:
    statistics = Statistics()
    for number, (language, prompt) in enumerate([("en", "extractive"), ("de", "broad_whole"), (None, "extractive")]):
        pair: dict[str, Any] = {
            "doc_id": f"d{number}",
            "language": language,
            "prompt": prompt,
            "style": "extractive" if prompt == "extractive" else "abstractive",
            "model": "m",
            "question": "What is it?",
            "answer": "a thing of five words",
            "evidence": [{}],
            "scores": {"grounding": 0.75},
        }
        statistics.add_row([pair] * 500, [PageImage(bytes(1000), 100, 200, "L")] * 4)
    extract, pack = Ledger(), Ledger()
    extract.enter("documents", 5)
    extract.keep("documents", 3)
    extract.drop("documents", "encrypted")
    extract.drop("documents", "timeout")
    pack.enter("rows", 3)
    pack.keep("rows", 3)
    return summarise(statistics, ledgers={"extract": extract.to_json(), "pack": pack.to_json()}, pack=Pack())


def make_card(config: Config | None = None, summary: dict[str, Any] | None = None) -> str:
    config = config or make_config(
        name="letters",
        seed=5,
        generate={"prompts": ["extractive", "broad_whole"]},
        verify={"kind": "round_trip"},
        pack={"license": "cc-by-4.0", "dpi": 110},
    )
    return write_card(config, summary or summarise_some(), prompts=load_shipped(config))


def read_head(card: str) -> dict[str, Any]:
    _, head, _ = card.split("---\n", 2)
    content: dict[str, Any] = yaml.safe_load(head)
    return content


def test_the_card_is_the_golden_one():
    card = make_card()
    if os.environ.get("DOCMATIX_UPDATE_GOLDEN"):
        GOLDEN.write_text(card, encoding="utf-8")
    assert card == GOLDEN.read_text(encoding="utf-8")


def test_the_head_says_what_the_hub_wants_to_know():
    head = read_head(make_card())
    assert head["license"] == "cc-by-4.0"
    assert head["language"] == ["de", "en"]
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
    ]


@pytest.mark.parametrize(
    ("rows", "size"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (2_400_000, "1M<n<10M"), (10**9, "n>100M")],
)
def test_the_size_is_the_class_of_the_rows(rows, size):
    assert read_head(make_card(summary={**summarise_some(), "rows": rows}))["size_categories"] == [size]


def test_an_empty_dataset_has_a_card_too():
    card = make_card(make_config(), summarise(Statistics(), ledgers={}, pack=Pack()))
    assert read_head(card)["license"] == "unknown"
    assert "| pairs a page | - |" in card
    assert "0 question-answer pairs" in card


def test_the_docmatix_schema_has_the_fields_of_docmatix():
    card = make_card(make_config(pack={"schema": "docmatix"}))
    assert "`texts`" in card
    assert "`annotations`" not in card


def test_names_are_text_in_a_card_and_nothing_else():
    summary = summarise_some()
    summary["pairs_by_prompt"] = {"{{ config.seed }}{% if %}": 1}
    summary["ledger"] = {"extract": [{"unit": "documents", "in": 1, "out": 0, "dropped": {"{{ 7 * 7 }}": 1}}]}
    card = make_card(summary=summary)
    assert "{{ config.seed }}{% if %}" in card
    assert "`{{ 7 * 7 }}` 1" in card


def test_no_address_and_no_path_of_the_builder_is_in_the_card():
    engine = {"kind": "openai", "model": "m", "base_url": "http://10.0.0.7/v1", "api_key_env": "SECRET_KEY"}
    card = make_card(make_config(source={"kind": "files", "paths": ["/home/somebody"]}, generate={"engine": engine}))
    assert not any(secret in card for secret in ("10.0.0.7", "SECRET_KEY", "somebody"))
    card = make_card(make_config(generate={"engine": {"kind": "llamacpp", "model": "/home/somebody/small.gguf"}}))
    assert "`small.gguf`" in card
    assert "somebody" not in card


def test_the_prompt_that_verifies_is_not_named_among_those_that_ask():
    assert "`round_trip` (extractive)" not in make_card()
