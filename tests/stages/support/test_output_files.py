"""Output files: how samples are divided into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.config import Pack
from docmatix.stages.support.output_files import OutputFile, divide_rows, foresee_bytes

COUNTS = st.lists(st.tuples(st.integers(0, 40), st.floats(0, 100)), max_size=12).map(
    lambda shards: [(2 * number, f"sha{number}", count, count * size) for number, (count, size) in enumerate(shards)]
)


def list_samples(outputs: Sequence[OutputFile]) -> list[tuple[int, int]]:
    ranges = [each for output in outputs for each in output.ranges]
    return [(each.shard, at) for each in ranges for at in range(each.first, each.first + each.count)]


@settings(max_examples=50)
@given(COUNTS, st.floats(1, 1000))
def test_every_sample_is_in_exactly_one_file_in_plan_order(counts, target_bytes):
    outputs = divide_rows(counts, target_bytes=target_bytes)
    expected = [(shard, at) for shard, _, count, _ in counts for at in range(count)]
    assert list_samples(outputs) == expected
    assert [output.number for output in outputs] == list(range(len(outputs)))
    assert {output.files for output in outputs} == {len(outputs)}
    if expected:
        assert all(sum(each.count for each in output.ranges) > 0 for output in outputs)


@settings(max_examples=50)
@given(COUNTS, st.floats(1, 1000))
def test_files_are_as_many_as_the_target_asks_for_and_even_in_samples(counts, target_bytes):
    outputs = divide_rows(counts, target_bytes=target_bytes)
    total, size = sum(count for _, _, count, _ in counts), sum(foreseen for *_, foreseen in counts)
    assert len(outputs) == max(1, min(total, round(size / target_bytes)))
    sizes = [sum(each.count for each in output.ranges) for output in outputs]
    assert max(sizes) - min(sizes) <= 1


def test_an_empty_dataset_has_one_file():
    (output,) = divide_rows([(0, "s", 0, 0.0)], target_bytes=10)
    assert output.ranges == ()
    assert output.name == "dataset/data/train-00000-of-00001.parquet"


def test_a_file_depends_on_its_ranges_their_content_and_the_number_of_files():
    (one,) = divide_rows([(0, "s", 3, 9.0)], target_bytes=9)
    (same,) = divide_rows([(0, "s", 3, 9.0)], target_bytes=9)
    (other,) = divide_rows([(0, "t", 3, 9.0)], target_bytes=9)
    assert one.inputs == same.inputs != other.inputs
    assert replace(one, files=2).inputs != one.inputs


def test_sizes_are_foreseen_from_area_resolution_and_format():
    assert foresee_bytes(2, Pack(dpi=100)) == pytest.approx(4 * foresee_bytes(2, Pack(dpi=50)))
    assert foresee_bytes(2, Pack(image_format="png")) > foresee_bytes(2, Pack(image_format="webp"))
    assert foresee_bytes(0, Pack()) == 0
