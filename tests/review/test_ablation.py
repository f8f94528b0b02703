"""An ablation: the same pages for every prompt, replies asked once, and figures that agree with the runs behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docmatix.cli import main
from docmatix.config import PromptChoice
from docmatix.core.errors import SetupError
from docmatix.dataset.groups import Group
from docmatix.driver.preflight import load_build_prompts
from docmatix.review.ablation import Ablation, ablate, choose_prompt, measure_prompt, share_pages, write_page
from docmatix.review.check_figures import CheckFigures, find_agreement_bound
from docmatix.storage.run import Run
from tests.builds import running_ray, write_config
from tests.jobs import FakeClient, build, curate, generate, make_config, make_job, read_documents
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import start_scripted_server


def make_ablation(**changes: Any) -> Ablation:
    figures = {
        **Group().summarise(),
        "pairs": 3,
        "read": 5,
        "kept_share": 0.6,
        "dropped": {"ungrounded": 2},
        "requests": 4,
        "failed_requests": 0,
        **CheckFigures(agrees_from=0.5).summarise(kept=3, tokens=812, check_tokens=0),
        "prompt_tokens_per_kept_pair": 812.3,
        "completion_tokens_per_kept_pair": 20.5,
    }
    nothing = {**figures, "pairs": 0, "kept_share": None, "dropped": {"echo": 7}, "prompt_tokens_per_kept_pair": None}
    pair = {"question": "<script>alert(1)</script>", "answer": "<img src=x onerror=alert(1)>", "reason": None}
    window = {"source_uri": "a.pdf", "page_numbers": [1, 2], "pairs": {"extractive": [pair], "broad_whole": []}}
    fields: dict[str, Any] = {
        "run": "runs/x",
        "name": "x",
        "documents": 2,
        "pages": 5,
        "prompts": {"extractive": figures, "broad_whole": nothing},
        "windows": [window],
        **changes,
    }
    return Ablation(**fields)


def test_the_table_has_a_column_for_each_prompt_and_a_line_for_each_figure_and_reason():
    lines = {line[:32].strip(): line[32:].split() for line in make_ablation().describe().splitlines()}
    assert lines["pairs kept"] == ["3", "0"]
    assert lines["share kept"] == ["60.0%", "-"]
    assert lines["tokens in per kept pair"] == ["812", "-"]
    assert lines["ungrounded"] == ["2", "-"]
    assert lines["echo"] == ["-", "7"]


def test_the_table_tells_what_checks_found_where_there_were_any():
    assert "pairs that agree" not in make_ablation().describe()
    ablation = make_ablation()
    ablation.prompts["extractive"] |= CheckFigures(agrees_from=0.5).summarise(kept=3, tokens=812, check_tokens=5000)
    ablation.prompts["extractive"] |= {"agreement_mean": 0.812, "agreeing_share": 0.75, "agreement_per_1000_tokens": 3}
    lines = {line[:32].strip(): line[32:].split() for line in ablation.describe().splitlines()}
    assert lines["agreement, mean of all pairs"] == ["0.812", "-"]
    assert lines["pairs that agree, of all"] == ["75.0%", "-"]
    assert lines["kept agreement, for 1,000"] == ["3.00", "-"]
    assert lines["tokens of checks"] == ["5,000", "0"]
    assert "what a thousand of them bought" in write_page(ablation)


def test_the_page_shows_text_of_models_as_text_and_runs_nothing():
    page = write_page(make_ablation())
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_prompt_keeps_the_settings_that_the_configuration_gives_it():
    choice = {"name": "broad_whole", "sampling": {"max_tokens": 300}}
    config = make_config(generate={"prompts": ["extractive", choice]})
    (chosen,) = choose_prompt(config, "broad_whole", style="abstractive").generate.prompts
    assert isinstance(chosen, PromptChoice)
    assert chosen.sampling.max_tokens == 300
    assert choose_prompt(config, "broad_details", style="abstractive").generate.prompts == ("broad_details",)
    assert choose_prompt(config, "broad_details", style="abstractive").generate.pairs_per_page == 0


def test_a_prompt_is_checked_by_the_checks_that_are_for_it(tmp_path):
    checks = [
        {"kind": "judge", "prompts": ["broad_whole", "facts"]},
        {"kind": "answer_again", "styles": ["extractive"]},
    ]
    config = make_config(generate={"prompts": ["broad_whole", "extractive"]}, verify=checks)
    for name, style, labels in (
        ("broad_whole", "abstractive", ["judge"]),
        ("extractive", "extractive", ["answer_again"]),
        ("broad_details", "abstractive", []),
    ):
        chosen = choose_prompt(config, name, style=style)
        assert [check.label for check in chosen.verify] == labels
        load_build_prompts(chosen, tmp_path)


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        (["extractive", "extractive"], "each once"),
        ([], "each once"),
        (["extractive", "nobody"], "nobody"),
        (["vision_charts"], "sees pictures"),
    ],
)
def test_prompts_that_cannot_be_compared_are_refused_before_anything_is_read(prompts, sentence, tmp_path):
    with pytest.raises(SetupError, match=sentence):
        ablate(make_config(), prompts, config_dir=tmp_path, run=tmp_path / "ablation")
    assert not (tmp_path / "ablation").exists()


def test_the_directory_of_a_run_is_refused(tmp_path):
    (tmp_path / "run.yaml").write_text("name: other")
    with pytest.raises(SetupError, match="give another --run"):
        ablate(make_config(), ["extractive"], config_dir=tmp_path, run=tmp_path)


def test_pages_are_shared_without_reading_them_again(tmp_path):
    job = make_job(tmp_path / "one", pdfs={"a.pdf": write_distinct_pdf(1)})
    read_documents(job)
    other = Run(tmp_path / "other")
    for _ in range(2):
        share_pages(job.run, other)
    for stage in ("plan", "extract", "dedup"):
        assert other.read_record(stage, 0) == job.run.read_record(stage, 0)
        assert list(other.iterate_rows(stage, 0)) == list(job.run.iterate_rows(stage, 0))


def test_the_figures_of_a_prompt_are_those_of_its_run(tmp_path):
    def write_good_and_bad(_: Any) -> str:
        pairs = [{"question": "Who is named as the contact?", "answer": "Napoleon"}, {"question": "What?"}]
        return json.dumps({"pairs": pairs})

    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1), "b.pdf": write_distinct_pdf(2)})
    read_documents(job)
    generate(job, client=FakeClient(write_good_and_bad))
    curate(job)
    figures = measure_prompt(job.run, "broad_whole", pages=2)
    assert (figures["requests"], figures["failed_requests"]) == (2, 0)
    assert (figures["prompt_tokens"], figures["completion_tokens"]) == (20, 10)
    assert (figures["read"], figures["pairs"], figures["kept_share"]) == (4, 0, 0)
    assert figures["dropped"]["ungrounded"] == 2
    assert figures["prompt_tokens_per_kept_pair"] is None


def test_what_tokens_buy_is_what_was_kept_and_quality_that_of_all_pairs():
    def make_row(reason: str | None, **scores: float) -> dict[str, Any]:
        return {"reason": reason, "scores": scores}

    rows = [make_row(None, agreement=1.0, judged=0.75), make_row(None, agreement=0.6), make_row(None)]
    rows += [make_row("disagrees", agreement=0.0), make_row("duplicate", agreement=1.0, judged=0.25)]
    figures = CheckFigures(agrees_from=0.5)
    assert list(figures.count(rows)) == rows
    told = figures.summarise(kept=3, tokens=2000, check_tokens=9)
    assert (told["agreement_mean"], told["judged_mean"], told["blind_agreement_mean"]) == (0.65, 0.5, None)
    assert told["agreeing_share"] == 0.75
    assert told["agreement_per_1000_tokens"] == 1.2  # three kept, at 0.8 each
    assert told["agreeing_per_1000_tokens"] == 1.5
    assert told["judged_per_1000_tokens"] == 1.125
    assert told["scores"]["agreement"]["pairs"] == 4


def test_a_pair_agrees_from_where_the_filter_keeps_it():
    assert find_agreement_bound(make_config()) == 0.5
    assert find_agreement_bound(make_config(curate={"filters": [{"kind": "agrees", "min_score": 0.8}]})) == 0.8
    assert find_agreement_bound(make_config(curate={"filters": [{"kind": "length"}]})) == 0.5


def test_tokens_of_checks_are_told_apart(tmp_path):
    sections: dict[str, Any] = {"verify": [{"kind": "answer_blind"}]}
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1), "b.pdf": write_distinct_pdf(2)}, **sections)
    build(job)
    figures = measure_prompt(job.run, "broad_whole", pages=2)
    assert figures["generate_tokens"] == 30
    assert figures["check_tokens"] == 15 * figures["read"] > 0
    assert (
        figures["prompt_tokens"] + figures["completion_tokens"] == figures["generate_tokens"] + figures["check_tokens"]
    )
    assert figures["blind_agreement_mean"] == 0


@pytest.fixture
def one_ray() -> Iterator[None]:
    with running_ray():
        yield


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("one_ray")
def test_prompts_are_compared_over_the_same_pages_and_replies_are_asked_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pdfs"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.pdf").write_bytes(write_distinct_pdf(number))
    out = tmp_path / "ablation"
    with start_scripted_server() as server:
        path = write_config(tmp_path, folder, server.base_url)
        command = ["ablate", str(path), "--prompts", "broad_whole,broad_details", "--limit", "3", "--run", str(out)]
        assert main(command) == 0
        asked = server.request_count
        first = json.loads((out / "ablation.json").read_text())
        table = capfd.readouterr().out
        assert main(command) == 0
        assert server.request_count == asked, "replies are kept"
        assert json.loads((out / "ablation.json").read_text()) == first
        assert main(["ablate", str(path), "--prompts", "broad_whole", "--limit", "4", "--run", str(out)]) == 0
        assert server.request_count == asked + 1, "only the new document is asked about"
    assert asked == 6
    assert (first["documents"], list(first["prompts"])) == (3, ["broad_whole", "broad_details"])
    for figures in first["prompts"].values():
        assert figures["requests"] == 3
        assert figures["pairs"] > 0
        assert figures["completion_tokens_per_kept_pair"] > 0
    details = Run(out / "broad_details").ledger("curate").accounts["pairs"]
    assert details.kept == first["prompts"]["broad_details"]["pairs"]
    assert json.loads((out / "ablation.json").read_text())["documents"] == 4
    assert "pairs kept" in table
    assert "data:image/svg+xml" in (out / "ablation.html").read_text()
