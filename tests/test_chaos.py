"""The chaos, in small: one of each kind of kill, and one more, in a build of the samples; and how kills are chosen."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.pipeline import STAGES
from tests.chaos import LATEST, VICTIMS, Kill, find_difference, move_kill, schedule_kills

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("where", [[], ["--local"]], ids=["on a cluster", "on one machine"])
def test_five_random_kills_leave_the_dataset_byte_identical(where: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--kills", "5", "--seed", "3", "--documents-per-shard", "1"]
    command += ["--delay-s", "0.2", "--keep", str(tmp_path / "chaos"), *where]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=800)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[-1] == "5 of 5 kills hit; the datasets are byte-identical"
    table = [line.split() for line in lines if line.split(" ")[0] in VICTIMS]  # what was told on the way is indented
    assert {kind: int(total) > 0 for kind, *_, total in table} == dict.fromkeys(VICTIMS, True)
    run = tmp_path / "chaos" / "disturbed"
    reference = tmp_path / "chaos" / "undisturbed"
    assert find_difference(run, reference) is None
    # the comparison can fail
    card = run / "dataset" / "README.md"
    card.write_bytes(card.read_bytes() + b"\n")
    assert find_difference(run, reference) == "content of dataset/README.md"
    card.unlink()
    assert "README.md" in str(find_difference(run, reference))


@given(st.integers(1, 200), st.integers())
def test_kills_are_spread_over_kinds_and_over_the_stages_that_each_can_hit(count: int, seed: int) -> None:
    kills = schedule_kills(count, random.Random(seed))
    kinds = Counter(kill.kind for kill in kills)
    assert len(kills) == count
    assert max(kinds.values()) - min((kinds[kind] for kind in VICTIMS), default=0) <= 1
    for kind, stages in VICTIMS.items():
        hit = Counter(kill.stage for kill in kills if kill.kind == kind)
        assert set(hit) <= set(stages)
        assert max((hit[stage] for stage in stages), default=0) - min(hit[stage] for stage in stages) <= 1
    places = [(STAGES.index(kill.stage), kill.at) for kill in kills]
    assert places == sorted(places)


@given(st.sampled_from(sorted(VICTIMS)), st.sampled_from(STAGES), st.floats(0, 1), st.integers())
def test_a_kill_that_comes_too_late_is_moved_to_where_it_can_still_hit(
    kind: str, now: str, share: float, seed: int
) -> None:
    moved = move_kill(Kill(kind, "plan", 0.5), now=now, share=share, rng=random.Random(seed))
    possible = [stage for stage in VICTIMS[kind] if STAGES.index(stage) > STAGES.index(now)]
    if moved is None:
        assert not possible
        assert now not in VICTIMS[kind] or share >= LATEST
    else:
        assert moved.stage in VICTIMS[kind]
        assert moved.stage in possible or (moved.stage == now and moved.at >= share)
