"""SHA256SUMS: what it names, and that it agrees with the tool that everybody has."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from docmatix.stages.finish import finish_dataset
from docmatix.stages.support.reading import read_job
from docmatix.storage.checksums import CHECKSUMS, find_altered, has_unaltered, read_checksums, write_checksums


def test_sums_are_those_of_the_tool_that_everybody_has(own_run):
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("sha256sum is not installed")
    command = [tool, "--check", "--strict", CHECKSUMS]
    done = subprocess.run(command, cwd=own_run.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "dataset/data/train-00000-of-00001.parquet: OK" in done.stdout
    assert "dataset/README.md: OK" in done.stdout


def test_sums_name_the_data_and_every_file_that_no_record_vouches_for(own_run):
    sums = read_checksums(own_run.store)
    assert sums is not None
    folders = {name.rsplit("/", 1)[0] if "/" in name else name for name in sums}
    assert folders == {"run.yaml", "fingerprints.json", "dataset", "dataset/data", "dataset/plots", "dataset/samples"}


@pytest.mark.parametrize("name", ["run.yaml", "dataset/stats.json", "dataset/samples/1.jpg"])
def test_a_changed_file_is_found(own_run, name):
    sums = read_checksums(own_run.store)
    assert sums is not None
    own_run.write(name, own_run.read(name) + b"\n")
    assert list(find_altered(own_run.store, sums)) == [name]
    assert has_unaltered(own_run.store, "dataset/plots/")
    assert has_unaltered(own_run.store, "dataset/") == (name == "run.yaml")


def test_an_added_file_is_found(own_run):
    own_run.write("dataset/plots/more.png", b"x")
    assert list(find_altered(own_run.store, read_checksums(own_run.store) or {})) == ["dataset/plots/more.png"]


SUM = "0" * 64


@pytest.mark.parametrize(
    "content",
    [b"\n", b"abc  run.yaml\n", f"{SUM}  run.yaml".encode(), b"\xff", f"{SUM}  a\n{SUM}  a\n".encode()],
)
def test_a_damaged_file_of_sums_is_refused(own_run, content):
    own_run.write(CHECKSUMS, content)
    with pytest.raises(ValueError, match=r"a line is not|a name is there twice|codec can't decode"):
        read_checksums(own_run.store)
    assert not has_unaltered(own_run.store, "dataset/plots/")


def test_sums_that_agree_are_not_written_again(own_run):
    before = own_run.store.fs.info(own_run.path(CHECKSUMS))["mtime"]
    write_checksums(own_run.store, [record for _, record in own_run.records("pack")])
    assert own_run.store.fs.info(own_run.path(CHECKSUMS))["mtime"] == before


def test_a_plot_that_was_damaged_is_written_anew_by_the_end_of_a_build_and_not_vouched_for(own_run):
    name = f"dataset/plots/{own_run.names('dataset/plots')[0]}"
    whole, card = own_run.read(name), own_run.read("dataset/README.md")
    sums = own_run.read(CHECKSUMS)
    own_run.write(name, whole[:-1])
    job = read_job(own_run)
    from tests.jobs import load_shipped

    job.prompts.update(load_shipped(job.config))
    finish_dataset(job)
    assert own_run.read(name) == whole
    assert own_run.read("dataset/README.md") == card
    assert own_run.read(CHECKSUMS) == sums
