"""What `docmatix status` says of a run: what is done, what is at work, and what has stalled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from docmatix.config.loading import dump_config
from docmatix.core.errors import LedgerError
from docmatix.driver.recording import Recording
from docmatix.review.status import describe_status, read_status
from docmatix.storage.run import Run
from tests.jobs import FakeClient, do_verify_pass, generate, make_config, make_job, read_documents
from tests.pdfs import write_distinct_pdf


def test_a_stage_that_stands_still_says_so_and_what_it_waits_for(own_run: Run) -> None:
    with own_run.locked():
        before = describe_status(own_run).splitlines()
    stalled = {
        "at": 1.5,
        "stage": "curate",
        "event": "stalled",
        "seconds": 240,
        "waits_for": "8 replies of http://there",
    }
    live = {"stage": "curate", "working": {"done": 4, "kept": 2}, "stalled": stalled}
    own_run.write("telemetry/live/now.json", json.dumps({"stages": {}, "live": live}).encode())
    with own_run.locked():
        stages = {stage["stage"]: stage for stage in read_status(own_run)["stages"]}
        shown = describe_status(own_run).splitlines()
    assert stages["curate"]["stalled"] == {"at": 1.5, "seconds": 240, "waits_for": "8 replies of http://there"}
    assert not any("stalled" in stages[stage] for stage in stages if stage != "curate")
    new = set(shown) - set(before)
    assert new == {
        "            at work: 4 done, 2 kept",
        "            no progress for 240 s; waiting for 8 replies of http://there",
    }
    left = describe_status(own_run)
    assert not any(said in left for said in ("no progress", "at work:")), "of a driver that was killed"


def test_half_a_note_of_a_stage_that_stands_still_is_passed_over(own_run: Run) -> None:
    own_run.write("telemetry/live/now.json", b'{"stages": {}, "live": {"sta')
    with own_run.locked():
        assert read_status(own_run)["running"]
        assert not any("stalled" in stage for stage in read_status(own_run)["stages"])


def test_a_run_that_nobody_works_on_is_told_from_one_with_a_build_at_it(own_run: Run) -> None:
    own_run.remove("curate/part-00000.json")
    with own_run.locked():
        assert read_status(own_run)["running"]
        assert describe_status(own_run).splitlines()[0] == "test: not complete, a build is running"
    assert not read_status(own_run)["running"]
    said = "test: not complete, no build is running: rerun the command to resume"
    assert describe_status(own_run).splitlines()[0] == said


def test_who_looks_at_a_run_holds_up_no_build(own_run: Run) -> None:
    with ThreadPoolExecutor(1) as pool:
        looks = pool.submit(lambda: [own_run.is_held for _ in range(2000)])
        while not looks.done():
            with own_run.locked():
                pass
        assert {True, False} >= set(looks.result())


def test_what_is_strange_among_the_notes_of_a_build_hides_nothing_else(own_run: Run) -> None:
    own_run.write("telemetry/live/a-file", b"1")
    own_run.write("telemetry/live/b.json", b'{"stages": {"generate": {"requests": 7}}}')
    with own_run.locked():
        assert "  requests  7 asked" in describe_status(own_run)


def test_requests_of_builds_that_were_killed_count_too(own_run: Run) -> None:
    own_run.write("telemetry/a.json", b'{"stages": {"generate": {"requests": 40, "retries_busy": 2}}}')
    own_run.write("telemetry/live/b.json", b'{"stages": {"generate": {"requests": 7, "retries_cut": 1}}}')
    (line,) = (line for line in describe_status(own_run).splitlines() if line.startswith("  requests"))
    told = "47 asked in 2 builds, including those with earlier settings; retried 3 times: busy 2, cut 1"
    assert line == f"  requests  {told}"


def test_fields_that_the_server_did_not_take_are_told_with_the_requests(own_run: Run) -> None:
    figures = '{"stages": {"generate": {"requests": 40, "retries_unsupported": 2, "without_%s": 40}}}'
    own_run.write("telemetry/a.json", (figures % "seed").encode())
    own_run.write("telemetry/live/b.json", (figures % "max_tokens").encode())
    (line,) = (line for line in describe_status(own_run).splitlines() if line.startswith("  requests"))
    assert line.endswith("unsupported 4; adapted to a server that does not take `max_tokens`, `seed`")
    assert read_status(own_run)["requests"]["unknown"]["without"] == ["max_tokens", "seed"]


def give_sign(run: Run, *, ago_s: float, process: int = 7) -> None:
    """The sign of life that a driver gave so long ago."""
    sign = {"host": "there", "process": process, "at": time.time() - ago_s, "stages": {}}
    run.write("telemetry/live/now.json", json.dumps(sign).encode())


DRIVER = """
import sys, time
from dataclasses import replace
from pathlib import Path
from docmatix.driver.recording import Recording
from docmatix.storage.run import Run
from tests.jobs import make_job

run = Run(sys.argv[1])
with run.locked(), Recording(replace(make_job(Path(sys.argv[2])), run=run), every_s=0.1):
    print("alive", flush=True)
    time.sleep(600)
"""


def test_a_driver_that_was_killed_is_told_with_the_age_of_its_last_sign_and_how_to_go_on(
    own_run: Run, tmp_path: Path
) -> None:
    own_run.remove("curate/part-00000.json")
    command = [sys.executable, "-c", DRIVER, own_run.root, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"alive\n"
        while (at_work := read_status(own_run))["driver"] is None:
            time.sleep(0.05)
        os.kill(driver.pid, signal.SIGKILL)
    assert (at_work["running"], at_work["driver"]["process"]) == (True, driver.pid)
    left = read_status(own_run)
    assert (left["running"], left["driver"]["process"], left["driver"]["killed"]) == (False, driver.pid, True)
    first, *_, last = describe_status(own_run).splitlines()
    assert first.startswith("test: not complete, no build is running: rerun the command to resume (")
    assert f"(process {driver.pid} on " in first
    assert first.endswith(" s ago)")
    assert last == f"To resume: docmatix build CONFIG --run {own_run.root}, with its configuration as CONFIG"


def test_a_driver_that_holds_the_run_and_gives_no_sign_is_not_said_to_be_at_work(own_run: Run) -> None:
    own_run.remove("curate/part-00000.json")
    with own_run.locked():
        give_sign(own_run, ago_s=3)
        assert "a build is running (process 7 on there, last sign of life" in describe_status(own_run)
        give_sign(own_run, ago_s=400)
        first = describe_status(own_run).splitlines()[0]
        assert "held by a build (process 7 on there) whose last sign of life was 7 min ago: it is stopped" in first
        give_sign(own_run, ago_s=-30)  # its clock is ahead
        assert read_status(own_run)["driver"]["last_sign_s"] == 0


def copy_to_store(run: Run, store: Run) -> None:
    for path in Path(run.root).rglob("*"):
        if path.is_file():
            store.write(str(path.relative_to(run.root)), path.read_bytes())


def test_of_a_run_on_an_object_store_the_lease_decides_and_the_age_of_the_sign_is_told(
    own_run: Run, memory_run: Run
) -> None:
    own_run.remove("curate/part-00000.json", ".lock")
    copy_to_store(own_run, memory_run)
    give_sign(memory_run, ago_s=90)
    lease = {"holder": "other", "host": "there", "process": 7, "where": "another machine"}
    memory_run.write(".lock", json.dumps(lease | {"until": time.time() + 30}).encode())
    status = read_status(memory_run)
    assert (status["running"], status["driver"]["last_sign_s"] >= 90) == (True, True)
    assert "whose last sign of life was 9" in describe_status(memory_run).splitlines()[0]
    memory_run.write(".lock", json.dumps(lease | {"until": time.time() - 1}).encode())
    assert not read_status(memory_run)["running"]
    said = describe_status(memory_run)
    assert "no build is running: rerun the command to resume (process 7 on there, last sign of life" in said
    assert said.endswith("--run memory://runs/one, with its configuration as CONFIG")


def test_a_build_that_stopped_says_why_and_what_it_had_sent_again(own_run: Run, tmp_path: Path) -> None:
    own_run.remove("generate/part-00000.json")
    job = make_job(tmp_path, plan={"documents_per_shard": 2}, pack={"dpi": 36, "license": "cc0-1.0"})
    recording = Recording(job)
    recording.stages["generate"] = {"requests": 60, "retries": 4, "retries_busy": 3, "retries_cut": 1}
    recording.note_stop(LedgerError("31 of the last 60 requests failed at http://me:secret@there/v1."))
    recording.close()
    said = describe_status(own_run)
    assert "  requests  60 asked; retried 4 times: busy 3, cut 1\n" in said
    assert "The last build stopped: 31 of the last 60 requests failed at http://" in said
    assert "secret" not in said
    assert b"secret" not in own_run.read("telemetry/test.json")
    driver = read_status(own_run)["driver"]
    assert (driver["process"], driver["killed"], "stopped" in driver) == (os.getpid(), False, True)


def read_stages(run: Run) -> dict[str, dict[str, Any]]:
    return {stage["stage"]: stage for stage in read_status(run)["stages"]}


def change_settings(run: Run, *stages: str) -> dict[str, str]:
    """Have the fingerprints of these stages be others, as a changed configuration has them; returns the old ones."""
    before: dict[str, str] = json.loads(run.read("fingerprints.json"))
    run.write("fingerprints.json", json.dumps(before | dict.fromkeys(stages, "changed")).encode())
    return before


def test_what_earlier_settings_made_is_not_counted_with_what_the_present_ones_did(own_run: Run) -> None:
    before, tokens = read_stages(own_run), read_status(own_run)["tokens"]
    assert {stage["outdated"] for stage in before.values()} == {0}
    change_settings(own_run, "curate", "pack")
    after = read_stages(own_run)
    assert after["generate"] == before["generate"]
    assert (after["curate"]["ledger"], after["curate"]["shards_done"], after["curate"]["outdated"]) == ([], 0, 3)
    assert (after["pack"]["ledger"], after["pack"]["outdated"]) == ([], before["pack"]["shards_done"])
    assert read_status(own_run)["tokens"] == {name: tokens[name] for name in ("prompt", "completion")}
    assert "  curate    0/3 shards  not counted: 3 shards from earlier settings or inputs\n" in describe_status(own_run)
    change_settings(own_run, "generate")
    assert read_status(own_run)["tokens"] == {}


def test_a_shard_that_was_made_from_other_inputs_is_not_counted_either(own_run: Run) -> None:
    record = own_run.read_record("generate", 0)
    assert record is not None
    assert read_stages(own_run)["curate"]["shards_done"] == 3
    own_run.write_record("generate", 0, replace(record, sha256="0" * 64))
    after = read_stages(own_run)
    assert (after["generate"]["shards_done"], after["generate"]["outdated"]) == (3, 0)
    assert (after["curate"]["shards_done"], after["curate"]["outdated"]) == (2, 1)


def test_requests_of_other_settings_are_told_apart(own_run: Run) -> None:
    before = change_settings(own_run, "generate")
    for name, fingerprints, requests in (("a", before, 40), ("b", before | {"generate": "changed"}, 7)):
        stages = {"generate": {"requests": requests, "retries_busy": requests // 7}}
        own_run.write(f"telemetry/{name}.json", json.dumps({"fingerprints": fingerprints, "stages": stages}).encode())
    assert "  requests  7 asked; retried 1 times: busy 1; and 40 asked before, with other settings\n" in (
        describe_status(own_run)
    )
    requests = read_status(own_run)["requests"]
    assert requests["earlier"] == {"builds": 1, "asked": 40, "retries": {"busy": 5}}
    assert requests["unknown"] == {"builds": 0, "asked": 0, "retries": {}}


def test_figures_of_models_that_are_served_no_longer_are_named_alone(own_run: Run) -> None:
    restarts = {"restarts": {"hang": 2}, "replicas": []}
    serving = [{"model": "m", **restarts}, {"model": "larger", **restarts}]
    own_run.write("telemetry/a.json", json.dumps({"stages": {}, "serving": serving}).encode())
    lines = [line for line in describe_status(own_run).splitlines() if line.startswith("  serving")]
    assert lines == [
        "  serving   m: restarts: hang 2",
        "  serving   with earlier settings: larger (see --json)",
    ]
    assert read_status(own_run)["serving"] == serving


def test_notes_that_are_no_driver_s_are_passed_over(own_run: Run) -> None:
    own_run.write("telemetry/checked.json", b'{"sound": "abc"}')
    own_run.write("telemetry/live/a.json", b"[]")
    own_run.write("telemetry/live/b/driver.json", b'{"host": "there", "process": 7, "at": 1}')
    status = read_status(own_run)
    assert (status["driver"], status["requests"]) == (None, {})


def test_what_to_do_next_is_said_without_the_password_of_the_run_s_address() -> None:
    run = Run("memory://runs/secretive")
    run.url = "sftp://me:hunter2@host/runs/one"
    run.write("run.yaml", dump_config(make_config()).encode())
    said = describe_status(run)
    assert "To resume: docmatix build CONFIG --run" in said
    assert "hunter2" not in said


def test_a_lock_that_can_be_had_here_does_not_prove_that_a_driver_elsewhere_is_dead(own_run: Run) -> None:
    own_run.remove("curate/part-00000.json")
    give_sign(own_run, ago_s=3)
    assert describe_status(own_run).splitlines()[0].endswith("s ago; unless it was killed, it is still running)")
    give_sign(own_run, ago_s=300)
    assert describe_status(own_run).splitlines()[0].endswith("(process 7 on there, last sign of life 5 min ago)")


def test_shards_that_one_model_of_two_has_checked_are_told_apart_and_checks_are_counted(tmp_path: Path) -> None:
    engine = {"kind": "openai", "model": "judge", "base_url": "http://elsewhere/v1"}
    checks = [{"kind": "answer_again"}, {"kind": "answer_blind", "engine": engine}]
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)}, verify=checks)
    read_documents(job)
    generate(job, client=FakeClient())
    job.run.write("run.yaml", dump_config(job.config).encode())
    job.run.write("fingerprints.json", json.dumps(job.fingerprints).encode())
    do_verify_pass(job, 0, client=FakeClient(lambda _: "May 1961"))
    assert "  verify    0/1 shards  1 shard checked by some models, not all\n" in describe_status(job.run)
    assert (read_stages(job.run)["verify"]["partly_done"], read_stages(job.run)["verify"]["outdated"]) == (1, 0)
    do_verify_pass(job, 1, client=FakeClient(lambda _: "May 1961"))
    status = read_status(job.run)
    pairs = job.run.ledger("generate").accounts["pairs"].kept
    counted = {"pairs": pairs, "requests": pairs, "scored": pairs}
    assert status["checks"] == {"answer_again": counted, "answer_blind": counted}
    assert f"  checked   {pairs} pairs by answer_blind, {pairs} with a score\n" in describe_status(job.run)
