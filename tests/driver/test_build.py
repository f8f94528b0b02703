"""The whole build, with a real Ray and a scripted server: what a user runs, and what is done again after changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import docmatix
from docmatix.config.loading import load_config
from docmatix.review.status import read_status
from docmatix.stages.support.reading import read_job
from docmatix.storage.run import Run
from tests.builds import hash_dataset, running_ray, write_config, write_pdfs
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import Faults, start_scripted_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def pdf_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pdfs(tmp_path_factory.mktemp("pdfs"))


@pytest.fixture(scope="module", autouse=True)
def one_ray() -> Iterator[None]:
    with running_ray():
        yield


def test_a_folder_of_pdfs_becomes_a_dataset_and_only_what_changed_is_done_again(pdf_dir: Path, tmp_path: Path) -> None:
    with start_scripted_server() as server:
        path = write_config(tmp_path, pdf_dir, server.base_url)
        run = tmp_path / "run"
        docmatix.build(path, run=run)

        status = read_status(Run(run))
        assert status["complete"]
        assert status["balanced"]
        extract = next(stage for stage in status["stages"] if stage["stage"] == "extract")
        documents = next(line for line in extract["ledger"] if line["unit"] == "documents")
        assert documents == {
            "unit": "documents",
            "in": 13,
            "out": 10,
            "dropped": {"encrypted": 1, "no_text": 1, "not_pdf": 1},
        }
        dedup = next(stage for stage in status["stages"] if stage["stage"] == "dedup")["ledger"][0]
        assert dedup["dropped"] == {"duplicate": 1}

        import datasets

        dataset = datasets.load_dataset(str(run / "dataset"), split="train", cache_dir=str(tmp_path / "cache"))
        assert len(dataset) == 9
        assert dataset[0]["images"][0].size == (425, 550)
        assert dataset[0]["texts"][0]["user"]
        assert dataset[0]["texts"][0]["source"].endswith(".pdf")
        del dataset

        asked, before = server.request_count, hash_dataset(run)
        docmatix.build(path, run=run)
        assert server.request_count == asked
        assert hash_dataset(run) == before

        packed = {shard: record.sha256 for shard, record in Run(run).records("curate")}
        docmatix.build(load_config(path, overrides=["pack.dpi=60"]), run=run)
        assert server.request_count == asked
        assert {shard: record.sha256 for shard, record in Run(run).records("curate")} == packed
        assert hash_dataset(run) != before

        docmatix.build(load_config(path, overrides=["curate.filters=[{kind: length, max_answer_chars: 3}]"]), run=run)
        assert server.request_count == asked
        assert read_status(Run(run))["complete"]

        both = load_config(path, overrides=["generate.prompts=[broad_whole, broad_details]"])
        docmatix.build(both, run=run)
        new = [
            row["prompt"] for shard in Run(run).shards("generate") for row in Run(run).iterate_rows("generate", shard)
        ]
        assert server.request_count == asked + new.count("broad_details")
        assert 0 < new.count("broad_details") < len(new)

        docmatix.build(path, run=run)
        assert server.request_count == asked + new.count("broad_details")
        assert hash_dataset(run) == before


def test_new_documents_are_added_and_what_was_there_is_not_asked_about_again(pdf_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "growing"
    folder.mkdir()
    for number in range(3):
        (folder / f"doc{number}.pdf").write_bytes(write_distinct_pdf(number))
    with start_scripted_server() as server:
        path = write_config(tmp_path, folder, server.base_url, pack={"dpi": 50, "schema": "docmatix"})
        docmatix.build(path, run=tmp_path / "run")
        asked = server.request_count
        (folder / "a-new-one.pdf").write_bytes(write_distinct_pdf(77))
        docmatix.build(path, run=tmp_path / "run")
        assert server.request_count == asked + 1
    job = read_job(Run(tmp_path / "run"))
    uris = [row["source_uri"] for shard in job.run.shards("plan") for row in job.run.iterate_rows("plan", shard)]
    assert [uri.rsplit("/", 1)[1] for uri in uris] == ["doc0.pdf", "doc1.pdf", "doc2.pdf", "a-new-one.pdf"]

    import datasets

    dataset = datasets.load_dataset(str(tmp_path / "run" / "dataset"), split="train", cache_dir=str(tmp_path / "cache"))
    text = {name: datasets.Value("string") for name in ("user", "assistant", "source")}
    assert dataset.features == datasets.Features({"images": datasets.Sequence(datasets.Image()), "texts": [text]})
    assert len(dataset) == 4


def test_too_many_refused_requests_stop_the_build_and_a_repaired_server_lets_it_go_on(
    pdf_dir: Path, tmp_path: Path
) -> None:

    with start_scripted_server(faults=Faults(refused=0.6)) as server:
        path = write_config(tmp_path, pdf_dir, server.base_url)
        with pytest.raises(docmatix.BuildError, match="refused"):
            docmatix.build(path, run=tmp_path / "run")
    with start_scripted_server() as repaired:
        docmatix.build(write_config(tmp_path, pdf_dir, repaired.base_url), run=tmp_path / "run")
    assert read_status(Run(tmp_path / "run"))["complete"]


def test_a_build_that_stopped_tells_in_its_status_what_it_asked_and_sent_again_and_why_it_stopped(
    pdf_dir: Path, tmp_path: Path
) -> None:
    with start_scripted_server(faults=Faults(refused=0.6, busy=0.3, retry_after="0.1")) as server:
        path = write_config(tmp_path, pdf_dir, server.base_url)
        with pytest.raises(docmatix.BuildError, match="refused") as caught:
            docmatix.build(path, run=tmp_path / "run")
    status = read_status(Run(tmp_path / "run"))
    assert 0 < status["requests"]["now"]["retries"]["busy"] <= server.stats()["by_status"]["429"]
    assert status["driver"]["stopped"] == str(caught.value)
    assert status["driver"]["process"] == os.getpid()
    assert not status["driver"]["killed"]


def test_a_run_whose_planning_was_interrupted_takes_no_other_source(pdf_dir: Path, tmp_path: Path) -> None:
    with start_scripted_server() as server:
        docmatix.build(write_config(tmp_path, pdf_dir, server.base_url), run=tmp_path / "run", stages=["plan"])
        (tmp_path / "others").mkdir()
        other = write_config(tmp_path, tmp_path / "others", server.base_url)
        with pytest.raises(docmatix.SetupError, match="holds another build"):
            docmatix.build(other, run=tmp_path / "run")


def test_a_stage_alone_is_not_run_on_what_other_settings_made(pdf_dir: Path, tmp_path: Path) -> None:
    with start_scripted_server() as server:
        path = write_config(tmp_path, pdf_dir, server.base_url)
        docmatix.build(path, run=tmp_path / "run", stages=["plan", "extract", "dedup"])
        with pytest.raises(docmatix.SetupError, match="curate needs generate"):
            docmatix.build(path, run=tmp_path / "run", stages=["curate"])
        changed = load_config(path, overrides=["extract.min_words=6"])
        with pytest.raises(docmatix.SetupError, match="generate needs extract"):
            docmatix.build(changed, run=tmp_path / "run", stages=["generate"])
