"""Pushing a run to a Hub on loopback: what is sent, in which commits, and what a reader sees in between."""

from __future__ import annotations

import io
import itertools
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from docmatix.core.errors import BuildError, SetupError
from docmatix.dataset.published_card import split_card
from docmatix.publishing.commits import choose_group_size
from docmatix.publishing.push import push_run
from docmatix.publishing.shipment import Target
from docmatix.storage.run import Run
from tests.hub import READER_TOKEN, Faults, store_small
from tests.publishing.runs import (
    build_wide_run,
    hash_pushed,
    hash_shards,
    list_extras,
    read_paths,
)

PNG = b"\x89PNG\r\n\x1a\n old"


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_every_file_arrives_once_with_its_hash_and_the_card_comes_last(hub, connect, wide_run):
    pushed = push_run(wide_run, connect())
    assert not pushed.findings
    assert hash_pushed(hub) == hash_shards(wide_run)
    assert set(hub.uploads.values()) == {1}
    commits = hub.commits("anna/set")
    assert len(commits) == pushed.commits == 3
    assert all("is still being uploaded" in commit.files["README.md"].content.decode() for commit in commits[:-1])
    assert all("stats.json" not in commit.files for commit in commits[:-1])
    extras = list_extras(wide_run)
    assert {"README.md", *extras} <= set(hub.files("anna/set"))
    assert hub.read("anna/set", "stats.json") == wide_run.read("dataset/stats.json")
    assert pushed.describe().startswith(f"{hub.url}/datasets/anna/set: {21 + len(extras)} files sent (")
    assert pushed.describe().endswith(", 0 already there, in 3 commits.")


def test_a_reader_is_led_to_no_file_before_the_last_commit(hub, connect, wide_run):
    push_run(wide_run, connect())
    *before, last = (read_paths(commit.files["README.md"].content) for commit in hub.commits("anna/set"))
    assert all("still-being-uploaded" in paths["default", "train"] for paths in before)
    assert last == {("default", "train"): "data/train-*-of-00020.parquet"}


def test_the_card_tells_rows_sizes_and_features(hub, connect, wide_run):
    push_run(wide_run, connect())
    head, body = split_card(hub.read("anna/set", "README.md").decode())
    (info,) = head["dataset_info"]
    assert info["splits"][0]["num_examples"] == 20
    assert info["download_size"] == sum(record.size for _, record in wide_run.records("pack"))
    assert [feature["name"] for feature in info["features"]][:2] == ["images", "texts"]
    assert head["license"] == "cc0-1.0"
    assert "path/or/repo" not in body


@pytest.mark.parametrize(
    ("target", "call"),
    [
        (Target(), 'load_dataset("anna/set", split="train")'),
        (Target("default", "test"), 'load_dataset("anna/set", split="test")'),
        (Target("few", "test"), 'load_dataset("anna/set", "few", split="test")'),
    ],
)
def test_the_card_tells_how_the_pushed_dataset_is_loaded(hub, connect, finished_run, target, call):
    push_run(Run(finished_run), connect(), target=target)
    card = hub.read("anna/set", "README.md").decode()
    assert f"dataset = {call}  # or a folder" in card
    assert "OWNER/NAME" not in card


def test_a_push_of_what_is_there_sends_nothing_and_commits_nothing(hub, connect, wide_run):
    push_run(wide_run, connect())
    before = hub.calls.copy()
    pushed = push_run(wide_run, connect())
    assert (pushed.sent, pushed.commits) == ([], 0)
    assert not hub.calls["PUT upload"] - before["PUT upload"]
    assert len(hub.commits("anna/set")) == 3


def test_a_small_file_that_git_itself_holds_is_known_by_its_content(hub, connect, wide_run):
    push_run(wide_run, connect())
    name = "data/train-00002-of-00020.parquet"
    hub.put("anna/set", name, hub.read("anna/set", name))
    assert hub.files("anna/set")[name].sha256 is None
    assert push_run(wide_run, connect()).sent == []


def test_only_what_is_missing_is_sent(hub, connect, wide_run):
    push_run(wide_run, connect())
    with hub.lock:
        files = dict(hub.files("anna/set"))
        lost = files.pop("data/train-00007-of-00020.parquet")
        hub.datasets["anna/set"].add("main", "somebody deletes a file", files)
        (hub.folder / lost.sha256).unlink()
    pushed = push_run(wide_run, connect())
    assert pushed.sent == ["data/train-00007-of-00020.parquet"]
    assert hash_pushed(hub) == hash_shards(wide_run)


def test_what_was_uploaded_but_not_committed_is_not_uploaded_again(hub, connect, wide_run):
    def die():
        raise ConnectionResetError

    hub.before_commit = die  # the connection ends, and nothing was committed
    repository = connect(sleep=lambda seconds: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        push_run(wide_run, repository)
    assert sum(hub.uploads.values()) == 8
    hub.before_commit = lambda: None
    push_run(wide_run, connect())
    assert hash_pushed(hub) == hash_shards(wide_run)
    assert set(hub.uploads.values()) == {1}


def test_files_of_an_earlier_build_stay_in_force_until_the_last_commit_and_then_go(hub, connect, wide_run, tmp_path):
    push_run(build_wide_run(tmp_path, documents=11), connect())
    earlier = len(hub.commits("anna/set"))
    pushed = push_run(wide_run, connect())
    *before, last = hub.commits("anna/set")[earlier:]
    assert before
    for commit in before:
        assert read_paths(commit.files["README.md"].content)["default", "train"] == "data/train-*-of-00011.parquet"
        assert len([path for path in commit.files if path.endswith("-of-00011.parquet")]) == 11
    assert len(pushed.deleted) == 11
    assert read_paths(last.files["README.md"].content)["default", "train"] == "data/train-*-of-00020.parquet"
    assert hash_pushed(hub) == hash_shards(wide_run)


@pytest.mark.parametrize(("target", "folder"), [(Target(), ""), (Target("few", "test"), "about/few-test/")])
def test_pictures_of_an_earlier_build_go_and_those_of_others_stay(hub, connect, wide_run, own_wide_run, target, folder):
    card = own_wide_run.read("dataset/README.md")
    card += b'\n![Old](plots/old.png)\n![Other](other.png)\n<img src="samples/6.jpg">\n'
    for name, content in {"README.md": card, "plots/old.png": PNG, "samples/6.jpg": b"\xff\xd8\xff six"}.items():
        own_wide_run.write(f"dataset/{name}", content)
    assert not push_run(own_wide_run, connect(), target=target).findings
    hub.put("anna/set", f"{folder}samples/7.jpg", b"not shown by the card")
    hub.put("anna/set", "other.png", b"mine")
    assert f"{folder}plots/old.png" in hub.files("anna/set")
    pushed = push_run(wide_run, connect(), target=target)
    assert set(pushed.deleted) == {f"{folder}plots/old.png", f"{folder}samples/6.jpg"}
    left = hub.files("anna/set")
    assert not set(pushed.deleted) & set(left)
    assert {f"{folder}samples/7.jpg", "other.png"} <= set(left)
    assert {f"{folder}{name}" for name in list_extras(wide_run)} <= set(left)


def test_many_files_of_an_earlier_build_are_deleted_a_hundred_at_a_time_once_nothing_leads_to_them(
    hub, connect, wide_run
):
    push_run(wide_run, connect(), target=Target("default", "test"))
    with hub.lock:
        stale = {f"data/train-{number:05d}-of-00230.parquet": store_small(b"%d" % number) for number in range(230)}
        card = hub.read("anna/set", "README.md").decode().replace("test-*-of-00020", "train-*-of-00230")
        card = card.replace("split: test", "split: train")
        files = {**hub.files("anna/set"), **stale, "README.md": store_small(card.encode())}
        hub.datasets["anna/set"].add("main", "an earlier build of 230 files", files)
    earlier = len(hub.commits("anna/set"))
    dry = push_run(wide_run, connect(), dry_run=True)
    pushed = push_run(wide_run, connect())
    assert len(pushed.deleted) == 230
    states = [commit.files for commit in hub.commits("anna/set")[earlier - 1 :]]
    for before, after in itertools.pairwise(states):
        assert len(dict(before.items() ^ after.items())) <= 100
        whole = stale if "of-00230" in read_paths(after["README.md"].content)["default", "train"] else {}
        assert len(whole.keys() & after.keys()) == len(whole)
    assert not stale.keys() & states[-1].keys()
    assert hash_pushed(hub).items() >= hash_shards(wide_run).items()
    assert pushed.commits == dry.commits == len(states) - 1


def test_files_of_the_same_names_are_taken_from_the_reader_while_they_are_replaced(hub, connect, wide_run, tmp_path):
    push_run(build_wide_run(tmp_path, documents=20, seed=1, curate={"filters": []}), connect())
    for path, file in list(hub.files("anna/set").items()):  # another content under each name
        if path.endswith(".parquet"):
            hub.put("anna/set", path, f"other {file.sha256}".encode())
    earlier = len(hub.commits("anna/set"))
    push_run(wide_run, connect())
    *before, last = hub.commits("anna/set")[earlier:]
    assert all("still-being" in read_paths(c.files["README.md"].content)["default", "train"] for c in before)
    assert read_paths(last.files["README.md"].content)["default", "train"] == "data/train-*-of-00020.parquet"


def test_other_peoples_files_and_words_stay(hub, connect, wide_run):
    hub.create("anna/set")
    hub.put("anna/set", "notes/own.md", b"mine")
    hub.put("anna/set", "README.md", b"---\nlicense: mit\nextra_gated_prompt: Say please.\n---\nMy own words.\n")
    push_run(wide_run, connect())
    head, body = split_card(hub.read("anna/set", "README.md").decode())
    assert head["extra_gated_prompt"] == "Say please."
    assert body.strip().startswith("My own words.")
    assert hub.read("anna/set", "notes/own.md") == b"mine"


def test_configurations_and_splits_stand_beside_each_other(hub, connect, wide_run, finished_run):
    push_run(wide_run, connect())
    push_run(Run(finished_run), connect(), target=Target("small", "test"))
    push_run(Run(finished_run), connect(), target=Target("small", "train"))
    paths = read_paths(hub.read("anna/set", "README.md"))
    assert set(paths) == {("default", "train"), ("small", "train"), ("small", "test")}
    head, body = split_card(hub.read("anna/set", "README.md").decode())
    assert {info["config_name"]: [s["name"] for s in info["splits"]] for info in head["dataset_info"]} == {
        "default": ["train"],
        "small": ["train", "test"],
    }
    assert body.count("<!-- docmatix: ") == 3
    small = hash_shards(Run(finished_run), folder="small", split="test")
    assert hash_pushed(hub).items() >= (hash_shards(wide_run) | small).items()
    for name in list_extras(Run(finished_run)):
        if name.endswith((".png", ".jpg")):
            assert f"about/small-test/{name}" in hub.files("anna/set")
            assert f"](about/small-test/{name}" in body or f'src="about/small-test/{name}' in body
    section = body.split("<!-- docmatix: small/test -->")[1].split("<!-- end of docmatix: small/test -->")[0]
    pictures = re.findall(r'(?:src|href)="([^"]*)"', section)
    assert {picture.rpartition("/")[0] for picture in pictures} == {"about/small-test/samples"}
    assert section.count('<a href="about/small-test/samples/1.jpg"><img src="about/small-test/samples/1.jpg"') == 1


def test_another_configuration_does_not_put_its_licence_on_the_whole(hub, connect, wide_run):
    said: list[str] = []
    push_run(wide_run, connect(), say=said.append)
    assert not [line for line in said if "licence" in line]
    card = hub.read("anna/set", "README.md")
    hub.put("anna/set", "README.md", card.replace(b"license: cc0-1.0", b"license: cc-by-sa-4.0"))
    push_run(wide_run, connect(), target=Target("other"), say=said.append)
    assert split_card(hub.read("anna/set", "README.md").decode())[0]["license"] == "cc-by-sa-4.0"
    told = [line for line in said if "licence" in line]
    assert len(told) == 1
    assert "keeps its licence (cc-by-sa-4.0)" in told[0]
    assert "that of this run is cc0-1.0" in told[0]


def test_a_push_to_a_branch_leaves_main_alone(hub, connect, wide_run):
    push_run(wide_run, connect(revision="trial"))
    assert hash_pushed(hub, branch="trial") == hash_shards(wide_run)
    assert hash_pushed(hub) == {}
    assert connect(revision="trial").url.endswith("/tree/trial")


def test_a_repository_is_made_private_where_that_is_asked(hub, connect, finished_run):
    push_run(Run(finished_run), connect(), private=True)
    assert hub.datasets["anna/set"].private
    hub.create("anna/public")
    with pytest.raises(SetupError, match="anna/public exists and is public"):
        push_run(Run(finished_run), connect("anna/public"), private=True)


def test_what_was_dropped_becomes_a_configuration_of_its_own(hub, connect, tmp_path):
    filters = [{"kind": "length", "max_answer_chars": 9}]
    job_run = build_wide_run_with_drops(tmp_path, filters)
    pushed = push_run(job_run, connect(), include_dropped=True)
    assert not pushed.findings
    assert read_paths(hub.read("anna/set", "README.md"))["dropped", "train"] == "dropped/train-*-of-00001.parquet"
    table = pq.read_table(io.BytesIO(hub.read("anna/set", "dropped/train-00000-of-00001.parquet")))
    assert len(table) == job_run.ledger("curate").accounts["pairs"].dropped.total()
    assert set(table["reason"].to_pylist()) == set(job_run.ledger("curate").accounts["pairs"].dropped)


def build_wide_run_with_drops(folder: Path, filters):
    from tests.jobs import build, make_job
    from tests.pdfs import write_distinct_pdf

    pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(4)}
    job = make_job(folder, pdfs=pdfs, pack={"dpi": 36}, curate={"filters": filters})
    build(job)
    assert job.run.ledger("curate").accounts["pairs"].dropped.total()
    return job.run


def test_a_run_on_another_filesystem_is_pushed_through_one_copy_at_a_time(hub, connect, wide_run, memory_run):
    memory_run.store.fs.put(wide_run.root + "/", memory_run.root, recursive=True)
    pushed = push_run(memory_run, connect())
    assert not pushed.findings
    assert hash_pushed(hub) == hash_shards(wide_run)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_and_sends_nothing(hub, connect, wide_run):
    pushed = push_run(wide_run, connect(), dry_run=True)
    assert len([path for path in pushed.sent if path.endswith(".parquet")]) == 20
    assert pushed.commits == 3
    assert not hub.datasets
    assert not any(call.startswith(("POST", "PUT")) for call in hub.calls)


def test_a_run_that_is_not_sound_is_not_sent(hub, connect, own_wide_run):
    path = Path(own_wide_run.path("dataset/data/train-00003-of-00020.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    pushed = push_run(own_wide_run, connect())
    assert any("train-00003" in finding and "damaged" in finding for finding in pushed.findings)
    assert not hub.datasets


def test_a_run_whose_sums_are_missing_is_sent(hub, connect, own_wide_run):
    own_wide_run.remove("SHA256SUMS")
    assert not push_run(own_wide_run, connect()).findings
    assert hash_pushed(hub) == hash_shards(own_wide_run)


def test_a_file_that_rots_after_the_check_is_not_committed(hub, connect, own_wide_run):
    assert not push_run(own_wide_run, connect("anna/first")).findings
    path = Path(own_wide_run.path("dataset/data/train-00003-of-00020.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 10] ^= 1  # in an image
    path.write_bytes(content)
    with pytest.raises(BuildError, match=r"train-00003.*damaged"):
        push_run(own_wide_run, connect("anna/second"))
    assert not hub.commits("anna/second")


def test_a_run_that_is_not_finished_is_refused(connect, own_wide_run):
    own_wide_run.remove("dataset/README.md")
    with pytest.raises(SetupError, match="not finished"):
        push_run(own_wide_run, connect())


def test_a_local_path_in_the_card_holds_the_push_back(hub, connect, own_wide_run):
    card = own_wide_run.read("dataset/README.md") + b"\nBuilt in /home/anna/scans/2024.\n"
    own_wide_run.write("dataset/README.md", card)
    pushed = push_run(own_wide_run, connect())
    assert any("absolute local path" in finding and "/home/anna/scans" in finding for finding in pushed.findings)
    assert not hub.datasets


@pytest.mark.parametrize(
    ("repo_id", "token", "sentence"),
    [
        ("anna/set", "hf_wrong", "does not accept the token"),
        ("anna/set", READER_TOKEN, "does not allow writing to anna/set"),
    ],
)
def test_a_token_that_will_not_do_is_told_in_one_sentence(connect, finished_run, repo_id, token, sentence):
    with pytest.raises(SetupError, match=sentence) as caught:
        push_run(Run(finished_run), connect(repo_id, token=token))
    assert token not in str(caught.value)


def test_storage_that_is_full_is_told_as_such(hub, connect, finished_run):
    hub.faults = Faults(rate=1.0, kinds=("full",), only="POST commit")
    with pytest.raises(BuildError, match="storage limit reached, please upgrade your plan") as caught:
        push_run(Run(finished_run), connect())
    assert "token" not in str(caught.value)


# --- arithmetic -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("files", "group"), [(1, 8), (40, 8), (100, 20), (1000, 100), (100_000, 100)])
def test_commits_are_few_and_none_is_huge(files, group):
    assert choose_group_size(files) == group


def test_the_run_is_checked_once_and_again_when_it_changes(own_wide_run, connect, hub):
    push_run(own_wide_run, connect(), dry_run=True)
    assert "sound" in json.loads(own_wide_run.read("telemetry/checked.json"))
    stats = json.loads(own_wide_run.read("dataset/stats.json")) | {"rows": 7}
    own_wide_run.write("dataset/stats.json", json.dumps(stats).encode())
    assert push_run(own_wide_run, connect(), dry_run=True).findings


@pytest.mark.parametrize(("config", "split"), [("data", "train"), ("a/b", "train"), ("default", "my split"), ("", "x")])
def test_names_of_configurations_and_splits_are_checked(config, split):
    with pytest.raises(SetupError, match="is not a valid"):
        Target(config, split)
