"""What `docmatix status` tells of a stage that stands still while a driver is at it."""

from __future__ import annotations

import json

from docmatix.run_directory import RunDirectory
from docmatix.status import describe_status, read_status


def test_a_stage_that_stands_still_says_so_and_what_it_waits_for(own_run: RunDirectory) -> None:
    before = describe_status(own_run)
    stalled = {
        "at": 1.5,
        "stage": "curate",
        "event": "stalled",
        "seconds": 240,
        "waits_for": "8 replies of http://there",
    }
    own_run.write("telemetry/live/now/stalled.json", json.dumps(stalled).encode())
    stages = {stage["stage"]: stage for stage in read_status(own_run)["stages"]}
    assert stages["curate"]["stalled"] == {"at": 1.5, "seconds": 240, "waits_for": "8 replies of http://there"}
    assert not any("stalled" in stages[stage] for stage in stages if stage != "curate")
    new = set(describe_status(own_run).splitlines()) - set(before.splitlines())
    assert new == {"            nothing has moved for 240 s; it waits for 8 replies of http://there"}


def test_half_a_note_of_a_stage_that_stands_still_is_passed_over(own_run: RunDirectory) -> None:
    own_run.write("telemetry/live/now/stalled.json", b'{"at": 1.5, "sta')
    assert not any("stalled" in stage for stage in read_status(own_run)["stages"])
