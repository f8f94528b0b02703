"""Other filters on the pairs of a run: the verdicts that curate would give, and the run as it was."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import docmatix
from docmatix.core.errors import SetupError
from docmatix.core.pairs import Request
from docmatix.curation.filters.grounded import Grounded
from docmatix.curation.filters.length import Length
from docmatix.prompting.prompt_files import find_prompt_directories, load_prompts
from docmatix.review.collection import Collection
from docmatix.storage.run import Run
from tests.jobs import FakeClient, build, curate, make_config, make_job, write_reply
from tests.pdfs import write_distinct_pdf, write_distinct_text, write_pdf
from tests.report.replies import write_checked_reply

PDFS = {f"{number}.pdf": write_distinct_pdf(number) for number in range(4)}


def invent_some(request: Request) -> str:
    """The pairs of a good model, and one whose answer is on no page."""
    reply = write_reply(request)
    made_up = '{"question": "Who painted the ceiling of the hall?", "answer": "Zyx Quormbly"}'
    return reply.replace('{"pairs": [', f'{{"pairs": [{made_up}, ')


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in two shards that dropped what is not grounded."""
    folder = tmp_path_factory.mktemp("trial")
    sections: dict[str, Any] = {"curate": {"filters": [{"kind": "length"}, {"kind": "grounded"}]}, "pack": {"dpi": 36}}
    build(make_job(folder, pdfs=PDFS, plan={"documents_per_shard": 2}, **sections), client=FakeClient(invent_some))
    return folder / "run"


def test_the_filters_of_the_run_change_nothing(run):
    trial = docmatix.open(run).try_filters()
    assert trial.counts["kept"][0] > 0
    assert trial.counts["ungrounded"] == (4, 4)
    assert all(one.before == one.after for one in trial.pairs)
    assert trial.newly_kept == trial.newly_dropped == []
    assert "No verdict changes." in trial._repr_html_()


def test_what_would_be_kept_and_dropped_is_told_with_reasons(run):
    trial = docmatix.open(run).try_filters([{"kind": "length", "max_answer_chars": 12}])
    assert {one.pair.answer for one in trial.newly_kept} == {"Zyx Quormbly"}
    assert {one.before for one in trial.newly_kept} == {"ungrounded"}
    assert all(len(one.pair.answer) > 12 for one in trial.newly_dropped)
    assert {one.after for one in trial.newly_dropped} == {"too_long"}
    before, after = trial.counts["kept"]
    assert after == before + len(trial.newly_kept) - len(trial.newly_dropped)


def test_filters_may_be_given_as_filters(run):
    collection = docmatix.open(run)
    as_filters = collection.try_filters([Length(max_answer_chars=12), Grounded()])
    assert as_filters.counts == collection.try_filters([{"kind": "length", "max_answer_chars": 12}, Grounded()]).counts


@settings(max_examples=12)
@given(chars=st.integers(1, 20), score=st.sampled_from([0.0, 0.5, 1.0]), grounded_first=st.booleans())
def test_a_trial_gives_the_verdicts_that_curate_would_give(run, tmp_path_factory, chars, score, grounded_first):
    filters = [{"kind": "length", "max_answer_chars": chars}, {"kind": "grounded", "min_score": score}]
    filters = filters[::-1] if grounded_first else filters
    told = {one.pair.pair_id: one.after for one in docmatix.open(run).try_filters(filters).pairs}
    folder = tmp_path_factory.mktemp("again")
    assert told == curate_again(run, folder, filters)


def curate_again(run: Path, folder: Path, filters: list[dict[str, Any]]) -> dict[str, str]:
    """The verdicts of `curate` with these filters, on a copy of the run."""
    shutil.copytree(run, folder / "run")
    job = make_job(folder, plan={"documents_per_shard": 2}, curate={"filters": filters})
    for shard in job.run.shards("generate"):
        curate(job, shard)
    rows = (row for shard in job.run.shards("curate") for row in job.run.iterate_rows("curate", shard))
    return {row["pair_id"]: row["reason"] or "kept" for row in rows}


def test_scores_of_checks_are_judged_again_without_asking_anybody(tmp_path):
    pdfs = {"a.pdf": write_pdf(write_distinct_text(1)), "b.pdf": write_pdf(*map(write_distinct_text, (2, 3)))}
    sections: dict[str, Any] = {
        "verify": [{"kind": "answer_again", "single_pages": True}, {"kind": "answer_blind"}, {"kind": "judge"}],
        "curate": {"filters": [{"kind": "length"}]},
        "pack": {"dpi": 36},
    }
    job = make_job(tmp_path, pdfs=pdfs, **sections)
    build(job, client=FakeClient(write_checked_reply))
    collection = docmatix.open(tmp_path / "run")

    def count_dropped(**settings: Any) -> dict[str, int]:
        changes = collection.try_filters([settings]).newly_dropped
        return dict(Counter(one.after for one in changes))

    frame = collection.try_filters([]).frame()
    assert {"agreement", "blind_agreement", "judged", "single_page_agreement"} <= set(frame.columns)
    bad = int((frame["agreement"] < 0.5).sum())
    assert 0 < bad < len(frame)
    assert count_dropped(kind="agrees") == {"disagrees": bad}
    assert count_dropped(kind="agrees", min_score=0) == {}
    assert count_dropped(kind="judged") == {"judged_poor": int((frame["judged"] < 0.5).sum())}
    assert count_dropped(kind="needs_pages", kinds=[], max_score=0.9)["single_page_suffices"] > 0
    assert count_dropped(kind="not_blind") == {}


def test_nothing_of_the_run_is_touched(run):
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in run.rglob("*")}
    docmatix.open(run).try_filters([{"kind": "length", "max_answer_chars": 1}]).look()
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in run.rglob("*")} == before


def test_of_a_large_run_some_documents_are_tried_and_it_says_so(run):
    collection = docmatix.open(run)
    trial = collection.try_filters(documents=3, seed=1)
    assert (trial.documents, trial.total) == (3, 4)
    assert "of 3 of 4 documents" in repr(trial)
    assert collection.try_filters(documents=3, seed=1).pairs == trial.pairs


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), documents=st.integers(1, 3))
def test_documents_are_drawn_by_their_content_and_not_by_their_place(run, seed, documents):
    job = docmatix.open(run).read_job()
    shards = job.run.shards("generate")
    by_content = {
        (shard, row["index"]): hashlib.sha256(f"{seed}\n{row['doc_id']}".encode()).digest()
        for shard in shards
        for row in job.run.iterate_rows("generate", shard)
    }
    trial = docmatix.open(run).try_filters(documents=documents, seed=seed)
    tried = {(one.place.shard, one.place.index) for one in trial.pairs}
    assert len(tried) == documents
    # the shards are drawn as well, only so many as are needed
    assert len({shard for shard, _ in tried}) <= (1 if documents <= 2 else 2)
    candidates = [place for place in by_content if documents > 2 or place[0] in {shard for shard, _ in tried}]
    assert tried == set(sorted(candidates, key=by_content.__getitem__)[:documents])


# --- examples of prompts ----------------------------------------------------------------------------------------------

COPIED = "In which harbour does the ferry stop?"

PROMPT = f"""---
family: window
style: abstractive
reply: pairs_json
---
@user
The ferry stops in Aberdour.
@assistant
{{"pairs": [{{"question": "{COPIED}", "answer": "Aberdour"}}]}}
@user
{{% for page in pages %}}{{{{ page.text }}}}{{% endfor %}}
"""


def copy_the_example(request: Request) -> str:
    """The pairs of a good model, and the question of the example on an answer that the page has."""
    found = json.loads(write_reply(request))["pairs"]
    return json.dumps({"pairs": [*found, {"question": COPIED, "answer": found[0]["answer"]}]})


@pytest.fixture
def own_prompt_run(tmp_path: Path) -> Run:
    """A run with the default filters and a prompt that lies beside its configuration and shows an example."""
    (tmp_path / "config" / "prompts").mkdir(parents=True)
    (tmp_path / "config" / "prompts" / "ours.md").write_text(PROMPT)
    prompts = dict(load_prompts(["ours"], find_prompt_directories(tmp_path / "config")))
    job = make_job(tmp_path, pdfs=PDFS, pack={"dpi": 36})
    config = make_config(generate={"prompts": ["ours"]}, pack={"dpi": 36})
    build(replace(job, config=config, prompts=prompts), client=FakeClient(copy_the_example))
    return job.run


def test_the_default_filters_change_nothing_wherever_the_prompts_lie(own_prompt_run, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    shutil.rmtree(tmp_path / "config")
    trial = Collection(own_prompt_run.url).try_filters()
    assert trial.counts["copies_example"] == (4, 4)
    assert trial.newly_kept == trial.newly_dropped == []
    assert "examples" not in repr(trial)


def test_where_the_run_does_not_tell_the_examples_of_its_prompts_the_trial_says_so(own_prompt_run):
    for shard, record in list(own_prompt_run.records("curate")):
        extra = {name: value for name, value in record.extra.items() if name != "examples"}
        own_prompt_run.write_record("curate", shard, replace(record, extra=extra))
    collection = Collection(own_prompt_run.url)
    trial = collection.try_filters()
    assert trial.counts["copies_example"] == (4, 0)
    for shown in (repr(trial), trial._repr_html_()):
        assert "the run did not record the examples of ours" in shown
    # no filter looks at them
    assert "examples" not in repr(collection.try_filters([{"kind": "length"}]))


def test_a_second_trial_reads_no_file(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    collection = docmatix.open(tmp_path / "run")
    first = collection.try_filters()
    for stage in ("extract", "generate", "curate"):
        shutil.rmtree(tmp_path / "run" / stage)
    assert collection.try_filters([{"kind": "length", "max_answer_chars": 1}]).counts["kept"] == (
        first.counts["kept"][0],
        0,
    )


def test_a_trial_shows_itself_and_its_pages(run):
    trial = docmatix.open(run).try_filters([{"kind": "length", "max_answer_chars": 12}])
    for shown in (repr(trial), trial._repr_html_()):
        assert "newly kept: 4" in shown
        assert "too_long" in shown
    looked = trial.look(count=2)._repr_html_()
    assert "<img " in looked
    assert "kept → too_long" in looked
    frame = trial.frame()
    assert len(frame) == len(trial.pairs)
    assert set(frame["after"]) == {"kept", "too_long"}


def test_the_filters_of_a_run_are_told_as_its_configuration_may_say_them(run):
    assert docmatix.open(run).filters == [{"kind": "length"}, {"kind": "grounded"}]


def test_a_filter_that_does_not_exist_is_named(run):
    with pytest.raises(SetupError, match=r"`curate\.filters\.0\.kind` is `lenght`, which docmatix does not know"):
        docmatix.open(run).try_filters([{"kind": "lenght"}])


def test_only_a_run_with_verdicts_can_be_tried(run, own_run):
    with pytest.raises(SetupError, match="Only a run"):
        docmatix.open(run / "dataset").try_filters()
    own_run.remove("curate")
    with pytest.raises(SetupError, match="has no curated pairs yet"):
        Collection(own_run.url).try_filters()
