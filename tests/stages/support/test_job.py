"""What every stage is given."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from docmatix.stages.support.job import Pulse
from docmatix.storage.run import RunDirectory
from tests.jobs import make_job


def test_a_shard_tells_an_object_store_of_itself_less_often_than_a_disk(tmp_path: Path, memory_run: RunDirectory):
    job = make_job(tmp_path)
    for run, told in ((job.run, 2), (memory_run, 1)):
        pulse = Pulse(replace(job, run=run), "extract", 0, every_s=0)
        pulse.beat(done=1)
        pulse.beat(done=2)
        assert json.loads(run.read("telemetry/live/test/extract-00000.json"))["done"] == told
