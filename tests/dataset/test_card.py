"""The dataset card, compared with `tests/golden/card.md`; after a wanted change regenerate it with
`DOCMATIX_UPDATE_GOLDEN=1 pytest tests/dataset/test_card.py` and read the difference."""

from __future__ import annotations

import contextlib
import html
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt
from PIL import Image

from docmatix.config import Config, Pack
from docmatix.config.description import describe_build
from docmatix.core.ledger import Ledger
from docmatix.dataset.card import (
    LICENSES,
    CardSample,
    describe_metadata,
    draw_samples,
    name_plot,
    write_card,
    write_code,
    write_text,
)
from docmatix.dataset.score_table import list_estimates
from docmatix.dataset.stats import Statistics, summarise, summarise_as
from docmatix.pdf.rendering import PageImage
from docmatix.prompting.draws import DrawCounts
from docmatix.prompting.prompts import WRITING
from docmatix.sources.source import Source
from docmatix.stages.finish import finish_dataset
from docmatix.stages.support.job import Job
from docmatix.storage.earlier_schemas import ADDED_BY_CHECKS
from tests.builds import hash_dataset
from tests.jobs import build, load_shipped, make_config, make_job
from tests.pdfs import write_distinct_pdf

GOLDEN = Path(__file__).parents[1] / "golden" / "card.md"
HOSTILE = (
    "<script>alert(1)</script> ![x](https://a.example/p.png) <b>`</td></table>`</b> | **bold** www.a.example [l](u)"
    "\n\n# h"
)


def summarise_some() -> dict[str, Any]:
    statistics = Statistics()
    for number, (language, prompt) in enumerate([("en", "extractive"), ("de", "broad_whole"), (None, "extractive")]):
        pair: dict[str, Any] = {
            "doc_id": f"d{number}",
            "language": language,
            "page_numbers": [1, 2, 3, 4],
            "prompt": prompt,
            "style": "extractive" if prompt == "extractive" else "abstractive",
            "kind": "sentence" if prompt == "extractive" else "free",
            "model": "m",
            "question": "What is it?",
            "answer": "a thing of five words",
            "evidence": [{}],
            "scores": {"grounding": 0.75, "ocr_confidence": 0.9 if language == "de" else None},
            "text_from": "ocr" if language == "de" else "layer",
            "page_text_from": ["ocr"] * 4 if language == "de" else ["layer"] * 4,
        }
        statistics.add_row([pair] * 500, [PageImage(bytes(1000), 100, 200, "L")] * 4)
    statistics.add_dropped({"prompt": {"extractive": {"ungrounded": 250}, "broad_whole": {"echo": 10, "no_json": 20}}})
    extract, pack = Ledger(), Ledger()
    extract.enter("documents", 5)
    extract.keep("documents", 3)
    extract.drop("documents", "encrypted")
    extract.drop("documents", "timeout")
    pack.enter("rows", 3)
    pack.keep("rows", 3)
    return summarise(statistics, ledgers={"extract": extract.to_json(), "pack": pack.to_json()}, pack=Pack())


SAMPLES = [
    CardSample(b"", ({"question": "Who signed it?", "answer": "A. Lovelace", "prompt": "extractive"},), 2),
    CardSample(b"", ({"question": HOSTILE, "answer": HOSTILE, "prompt": None},), 0),
]


def make_card(config: Config | None = None, summary: dict[str, Any] | None = None, **parts: Any) -> str:
    config = config or make_config(
        name="letters",
        seed=5,
        generate={"prompts": ["extractive", "broad_whole"]},
        verify={"kind": "round_trip"},
        pack={"license": "cc-by-4.0", "dpi": 110},
    )
    given: dict[str, Any] = {"samples": SAMPLES, "plots": ["pairs by prompt"], **parts}
    prompts = load_shipped(config)
    return write_card(
        describe_build(config),
        summary or summarise_some(),
        prompts=[prompts[name] for name in sorted(prompts) if prompts[name].family in WRITING],
        fingerprints={"plan": "00ff", "pack": "ff00"},
        versions={"docmatix": "1.2.3", "pymupdf": "4.5"},
        **given,
    )


def read_head(card: str) -> dict[str, Any]:
    _, head, _ = card.split("---\n", 2)
    content: dict[str, Any] = yaml.safe_load(head)
    return content


def test_the_card_is_the_golden_one():
    card = make_card()
    if os.environ.get("DOCMATIX_UPDATE_GOLDEN"):
        GOLDEN.write_text(card, encoding="utf-8")
    assert card == GOLDEN.read_text(encoding="utf-8")


def test_pairs_made_from_facts_have_a_line_among_the_prompts_and_their_authors_are_told_apart():
    summary = summarise_some()
    assert "A language model wrote the pairs" in make_card(summary=summary)
    summary["by_prompt"]["facts"] = {**summary["by_prompt"]["extractive"], "pairs": 150}
    card = make_card(summary=summary)
    assert "Code made some of the pairs" in card
    assert "| `facts` | extractive | 10.0% | - |" in card
    alone = make_config(generate={"engine": {"kind": "none"}, "prompts": [], "pairs_per_page": 4})
    card = make_card(alone, {**summary, "by_model": {"none": summary["by_model"]["m"]}})
    assert "without a language model" in card
    assert "| model | `none` |" in card


def test_the_card_of_an_earlier_version_named_neither_kinds_nor_the_source_of_text():
    summary = summarise_some()
    of_0_1_0 = summarise_as({}, summary)
    before_ocr = summarise_as({"by_kind": {}}, summary)
    before_checks = summarise_as({"by_kind": {}, "by_text_from": {}}, summary)
    assert summarise_as(summary, summary) == summary
    assert list_annotations(summary) == list_annotations(before_checks) == [*list_annotations(before_ocr), "text_from"]
    assert list_scores_of(summary) == {*list_scores_of(before_checks), *ADDED_BY_CHECKS}
    assert "**Scores**" not in make_card(summary=before_checks)
    assert list_annotations(before_ocr) == [*list_annotations(of_0_1_0), "kind"]


def list_annotations(summary: dict[str, Any]) -> list[str]:
    described = describe_metadata(describe_build(make_config()), summary)
    return [field["name"] for field in described["dataset_info"]["features"][-1]["list"]]


def list_scores_of(summary: dict[str, Any]) -> set[str]:
    described = describe_metadata(describe_build(make_config()), summary)
    fields = {field["name"]: field for field in described["dataset_info"]["features"][-1]["list"]}
    return {each["name"] for each in fields["scores"]["struct"]}


def test_each_score_is_explained_with_how_many_know_it_and_what_its_filter_dropped():
    summary = summarise_some()
    summary["scores"] |= {
        "agreement": {"pairs": 1200, "mean": 0.9, "by_tenth": {"0.5": 200, "1.0": 1000}},
        "blind_agreement": {"pairs": 1200, "mean": 0.1, "by_tenth": {"0.0": 1080, "1.0": 120}},
        "clarity": {"pairs": 10, "mean": 0.7, "by_tenth": {}},
    }
    summary["by_prompt"]["extractive"]["dropped"] |= {"disagrees": 77}
    summary["by_prompt"]["extractive"]["scores"]["agreement"] = summary["scores"]["agreement"]
    card = make_card(summary=summary)
    lines = {line.split("|")[1].strip(): line for line in card.partition("**Scores**")[2].splitlines() if "|" in line}
    assert "| 1,200 (80.0%) | 0.90 | kept: at least 0.5; 77 dropped as `disagrees` |" in lines["`agreement`"]
    assert "the pages, and not the answer, agrees |" in lines["`agreement`"]
    assert "| 1,200 (80.0%) | 0.10 | 10.0% have 0.5 or more; no filter |" in lines["`blind_agreement`"]
    assert "`judged`" not in lines
    assert lines["prompt"].endswith("| grounding | agreement | kept |")
    assert "| `extractive` | 1,000 | 125.00 | 3.0 | 5.0 | 0.1% | 0.00 | 0.75 | 0.90 | 80.0% |" in card
    assert "| `broad_whole` | 500 | 125.00 | 3.0 | 5.0 | 0.2% | 0.00 | 0.75 | - | 94.3% |" in card
    bare = make_card(make_config(curate={"filters": [{"kind": "length"}]}), summary)
    assert "| 0.90 | 0.0% have less than 0.5; no filter |" in bare
    assert "| 10 (0.7%) | 0.70 | - |" in bare
    assert "(`agreement`, `blind_agreement`) is a model's word" in bare


def test_of_pairs_that_were_not_drawn_for_a_judge_the_card_says_how_many_would_be_kept():
    summary = summarise_some()
    summary["scores"]["judged"] = {"pairs": 135, "mean": 0.8, "by_tenth": {"0.8": 135}}
    summary["by_prompt"]["extractive"]["dropped"] |= {"judged_poor": 15}
    build = describe_build(make_config(verify=[{"kind": "judge", "share": 0.1}, {"kind": "answer_again"}]))
    told = list_estimates(summary, build.bounds, build.shares)
    assert told == [
        "`judged` was computed of 10% of the pairs that its check is for, drawn by the seed. Of these 150, 90.0% have"
        " at least 0.5 and were kept; so would be 84.2% to 93.8% of the others (95 %, Wilson), all of which are here."
    ]
    assert list_estimates(summary, build.bounds, {}) == []
    assert list_estimates(summary, build.bounds, {"agreement": 0.1}) == []


def test_what_ocr_has_read_is_told_where_it_has_read_anything():
    summary = summarise_some()
    assert "| pairs read by OCR | 33.3% |" in make_card(summary=summary)
    assert "that of scanned pages by OCR, which misreads" in make_card(summary=summary)
    summary |= {"pages_by_text_from": {"layer": 12}, "pairs_by_text_from": {"layer": 1500}}
    card = make_card(summary=summary)
    assert "OCR |" not in card
    assert "scanned pages by OCR" not in card


# --- what the Hub reads -----------------------------------------------------------------------------------------------


def test_the_head_says_what_the_hub_wants_to_know():
    head = read_head(make_card())
    assert head["license"] == "cc-by-4.0"
    assert head["language"] == ["de", "en"]
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
    ]
    assert head["dataset_info"]["splits"] == [{"name": "train", "num_bytes": 60_000, "num_examples": 3}]


def test_the_hubs_own_client_reads_the_head_back():
    data: Any = DatasetCard(make_card()).data
    assert data.license == "cc-by-4.0"
    assert data.task_categories == ["visual-question-answering", "document-question-answering"]
    assert data.size_categories == ["n<1K"]


@pytest.mark.parametrize("schema", ["annotated", "docmatix"])
def test_the_features_in_the_head_are_those_of_the_files(schema):
    datasets = pytest.importorskip("datasets")
    from docmatix.storage.schemas import DATASETS

    head = read_head(make_card(make_config(pack={"schema": schema})))
    features = datasets.Features.from_arrow_schema(DATASETS[schema])
    assert head["dataset_info"]["features"] == features._to_yaml_list()
    assert datasets.DatasetInfo._from_yaml_dict(head["dataset_info"]).features == features


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (2_400_000, "1M<n<10M"),
        (10**9, "1B<n<10B"),
        (10**12 - 1, "100B<n<1T"),
        (10**12, "n>1T"),
    ],
)
def test_the_size_is_the_class_of_the_rows(rows, size):
    assert read_head(make_card(summary={**summarise_some(), "rows": rows}))["size_categories"] == [size]


@pytest.mark.parametrize(
    ("license", "head"),
    [
        (None, {"license": "unknown"}),
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("Crown copyright, v3", {"license": "other", "license_name": "crown-copyright-v3"}),
        (
            "https://a.example/terms",
            {"license": "other", "license_name": "see-link", "license_link": "https://a.example/terms"},
        ),
    ],
)
def test_a_license_that_the_hub_does_not_know_is_an_other_one_with_a_name(license, head):
    metadata = describe_metadata(describe_build(make_config(pack={"license": license})), summarise_some())
    assert {name: value for name, value in metadata.items() if name.startswith("license")} == head
    assert head["license"] in LICENSES


def test_only_codes_of_languages_are_languages():
    summary = {**summarise_some(), "rows_by_language": {"en": 1, "unknown": 2, "zh-Hant": 1}}
    assert read_head(make_card(summary=summary))["language"] == ["en"]
    assert "language" not in read_head(make_card(summary={**summary, "rows_by_language": {"unknown": 1}}))


# --- what a person reads ----------------------------------------------------------------------------------------------


def test_an_empty_dataset_has_a_card_too():
    card = make_card(make_config(), summarise(Statistics(), ledgers={}, pack=Pack()), samples=[], plots=[])
    assert read_head(card)["license"] == "unknown"
    assert "| pairs a page | - |" in card
    assert "0 question-answer pairs" in card
    assert "## Samples" not in card


def test_the_docmatix_schema_has_the_fields_of_docmatix():
    card = make_card(make_config(pack={"schema": "docmatix"}))
    assert "`texts`" in card
    assert "`annotations`" not in card
    assert 'grounding"]' not in card


def test_names_are_text_in_a_card_and_nothing_else():
    summary = summarise_some()
    summary["by_prompt"] = {"{{ config.seed }}{% if %}": summary["by_prompt"]["extractive"]}
    summary["ledger"] = {"extract": [{"unit": "documents", "in": 1, "out": 0, "dropped": {"{{ 7 * 7 }}": 1}}]}
    card = make_card(summary=summary)
    assert "{{ config.seed }}{% if %}" in card
    assert "`{{ 7 * 7 }}` 1" in card


class Reader(HTMLParser):
    """What a browser would make of a page: its elements, and the text in its cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str | None] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_whatever_markup_a_document_holds_is_shown_and_does_nothing():
    harmless = SAMPLES[0]
    one, other = make_card(samples=[harmless, SAMPLES[1]]), make_card(samples=[harmless, harmless])
    renderer = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    hostile, tame = (Reader(renderer.render(card.split("---\n", 2)[2])) for card in (one, other))
    assert hostile.addresses == tame.addresses
    assert set(hostile.tags) == set(tame.tags)
    assert "script" not in hostile.tags
    assert hostile.texts.count(" ".join(HOSTILE.split())) == 2


@pytest.mark.parametrize("text", ["a\x00b\u202ec", "<&\"'>", "`code`", "*a* _b_ ~c~", "1. a", "日本 é"])
def test_text_is_letters_and_references_and_reads_as_it_was(text):
    written = write_text(text, 100)
    assert re.fullmatch(r"(?:[^\W_]|[ ]|&#\d+;)*", written)
    assert html.unescape(written) == "".join(c for c in text if c.isprintable())


def test_long_text_is_cut():
    assert write_text("word " * 100, 20) == "word word word word…"


def test_a_name_with_a_bar_or_a_backtick_stays_in_its_cell():
    assert write_code("a|b`c\nd") == "`a\\|b'c d`"


def test_no_address_and_no_path_of_the_builder_is_in_the_card():
    engine = {"kind": "openai", "model": "m", "base_url": "http://10.0.0.7/v1", "api_key_env": "SECRET_KEY"}
    card = make_card(make_config(source={"kind": "files", "paths": ["/home/somebody"]}, generate={"engine": engine}))
    assert not any(secret in card for secret in ("10.0.0.7", "SECRET_KEY", "somebody"))
    card = make_card(make_config(generate={"engine": {"kind": "llamacpp", "model": "/home/somebody/small.gguf"}}))
    assert "`small.gguf`" in card
    assert "somebody" not in card


def test_the_prompt_that_verifies_is_not_named_among_those_that_ask():
    prompts = make_card().split("**Prompts**")[1].split("**Filters**")[0]
    assert "`extractive`" in prompts
    assert "round_trip" not in prompts


# --- the finished dataset ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Job:
    pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(7)}
    job = make_job(tmp_path_factory.mktemp("built"), pdfs=pdfs, pack={"dpi": 50, "license": "mit"})
    build(job)
    return job


def test_every_file_that_the_card_names_is_there_and_no_other(built):
    folder = Path(built.run.root) / "dataset"
    card = (folder / "README.md").read_text()
    named = set(re.findall(r'(?:\]\(|src=")((?:plots|samples)/[^")]+)', card))
    assert named == {
        str(path.relative_to(folder)) for part in ("plots", "samples") for path in (folder / part).iterdir()
    }
    assert len([name for name in named if name.startswith("samples/")]) == 5
    assert name_plot("what became of the pairs by prompt") in named


def test_a_sample_shows_a_page_and_the_pairs_of_a_row(built):
    records = [record for _, record in built.run.records("pack")]
    samples = draw_samples(built.run.store, records, seed=0)
    rows = [row for record in records for row in built.run.iterate_file(record.file)]
    texts = [{(text["user"], text["assistant"]) for text in row["texts"]} for row in rows]
    for sample in samples:
        picture = Image.open(io.BytesIO(sample.picture))
        assert picture.format == "JPEG"
        assert picture.width <= 480
        assert picture.height <= 640
        assert {(pair["question"], pair["answer"]) for pair in sample.pairs} in texts
    assert samples == draw_samples(built.run.store, records, seed=0)


def test_the_figures_add_up_to_the_ledger(built):
    summary = json.loads(built.run.read("dataset/stats.json"))
    (read,) = [line for line in summary["ledger"]["generate"] if line["unit"] == "pairs"]
    for kind in ("prompt", "style", "model"):
        groups = summary[f"by_{kind}"].values()
        assert sum(group["pairs"] for group in groups) == summary["pairs"]
        assert sum(group["pairs"] + sum(group["dropped"].values()) for group in groups) == read["in"]
    assert sum(summary["documents_by_pages"].values()) == summary["documents"]


def test_a_finished_dataset_is_not_written_again(built):
    card = Path(built.run.path("dataset/README.md"))
    before = card.stat().st_mtime_ns
    finish_dataset(built)
    assert card.stat().st_mtime_ns == before


class CutOff(Exception):
    pass


class FailingRun:
    """The run whose `moment`-th write fails, as a kill would have it."""

    def __init__(self, run: Any, moment: int) -> None:
        self._run, self._left = run, moment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def write(self, name: str, content: bytes) -> None:
        if not self._left:
            raise CutOff
        self._left -= 1
        self._run.write(name, content)


def test_a_dataset_that_was_cut_off_at_any_write_has_no_card_and_then_the_same_files(built):
    from dataclasses import replace

    before = hash_dataset(Path(built.run.root))
    changed = replace(built, config=built.config.model_copy(update={"seed": 1}))
    for moment in range(40):
        run: Any = FailingRun(built.run, moment)
        try:
            finish_dataset(replace(changed, run=run))
        except CutOff:
            assert not built.run.exists("dataset/README.md")
        else:
            break
    assert 5 < moment < 40
    finish_dataset(built)
    assert hash_dataset(Path(built.run.root)) == before


def test_the_lines_of_code_on_the_card_do_what_they_say(built, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = Path(built.run.root) / "dataset"
    card = (folder / "README.md").read_text()
    snippets = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    assert len(snippets) == 3
    place: dict[str, Any] = {}
    with quiet(datasets):
        for snippet in snippets:
            exec(snippet.replace("OWNER/NAME", str(folder)), place)
    assert place["dataset"].num_rows == place["printed"].num_rows == 7
    assert place["chosen"].num_rows == 7
    assert all(note["prompt"] == "broad_whole" for row in place["chosen"]["annotations"] for note in row)


@contextlib.contextmanager
def quiet(datasets: Any) -> Iterator[None]:
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.enable_progress_bars()


def test_a_source_of_a_kind_that_the_card_has_no_words_for_is_named_by_its_kind():
    class ScannerSource(Source):
        kind: str = "scanner"
        paths: tuple[str, ...] = ("a",)

    card = make_card(make_config().model_copy(update={"source": ScannerSource()}))
    assert "documents (`scanner`)" in card


def test_what_windows_have_and_which_prompts_they_drew_is_told_where_it_is_known():
    drawn = DrawCounts(profiles=Counter(tables=1200, chart=3), prompts=Counter(extractive=9), requests=9, blind=9)
    card = make_card(drawn=drawn)
    assert "Windows of pages with tables 1,200, chart 3; a window may have several of these.\n" in card
    assert "Prompts by the windows that they were drawn for: extractive 9.\n" in card
    assert "Windows of pages" not in make_card()
