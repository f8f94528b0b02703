"""Affinity is the kernel's own; control groups are folders as Linux has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from docmatix.core.cpus import count_cpus


def test_no_more_cores_are_counted_than_the_affinity_of_this_process_has():
    allowed = sorted(os.sched_getaffinity(0))
    assert 1 <= count_cpus() <= len(allowed)
    os.sched_setaffinity(0, allowed[:1])
    try:
        assert count_cpus() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.fixture
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)))


@pytest.mark.usefixtures("many_cores")
def test_the_least_quota_of_the_groups_above_counts(tmp_path: Path):
    groups = tmp_path / "cgroup"
    groups.write_text("0::/slurm/job/step\n")
    mounted = tmp_path / "mounted"
    (mounted / "slurm/job/step").mkdir(parents=True)
    (mounted / "slurm/job/step/cpu.max").write_text("max 100000\n")
    (mounted / "slurm/job/cpu.max").write_text("250000 100000\n")
    (mounted / "slurm/cpu.max").write_text("800000 100000\n")
    assert count_cpus(groups=groups, mounted=mounted) == 2
    (mounted / "slurm/job/cpu.max").write_text("50000 100000\n")
    assert count_cpus(groups=groups, mounted=mounted) == 1


@pytest.mark.usefixtures("many_cores")
def test_a_quota_of_the_first_version_counts_too(tmp_path: Path):
    groups = tmp_path / "cgroup"
    groups.write_text("5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n")
    mounted = tmp_path / "mounted"
    (mounted / "cpu").mkdir(parents=True)  # a container sees its own group as the root
    (mounted / "cpu/cpu.cfs_quota_us").write_text("300000\n")
    (mounted / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert count_cpus(groups=groups, mounted=mounted) == 3
    (mounted / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    assert count_cpus(groups=groups, mounted=mounted) == 64


@pytest.mark.usefixtures("many_cores")
def test_without_control_groups_the_affinity_counts(tmp_path: Path):
    assert count_cpus(groups=tmp_path / "none", mounted=tmp_path) == 64
