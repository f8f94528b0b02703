"""The curves of what each threshold keeps."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from docmatix.core.bounds import Bound
from docmatix.report.checks import Calibration, calibrate, count_scores
from docmatix.stages.support.job import Job


def draw_curves(*, drawn: float = 1.0, bounds: tuple[Bound, ...] = ()) -> dict[str, Calibration]:
    counts = {
        ("agreement", "one", "extractive"): Counter({0: 10, 60: 30, 100: 60}),
        ("agreement", "two", "extractive"): Counter({0: 80, 100: 20}),
        ("blind_agreement", "one", "extractive"): Counter({0: 90, 100: 10}),
    }
    found = calibrate(counts, bounds, shares={"agreement": drawn})
    return {each.score: each for each in found}


def test_each_score_has_a_curve_for_all_pairs_and_one_for_each_prompt():
    found = draw_curves(bounds=(Bound("agreement", "disagrees", least=0.6),))
    agreement = found["agreement"]
    assert list(found) == ["agreement", "blind_agreement"]
    assert [(curve.label, curve.color, curve.pairs) for curve in agreement.curves] == [
        ("all", "all", 200),
        ("one", "c0", 100),
        ("two", "c1", 100),
    ]
    assert [curve.passing for curve in agreement.curves] == [0.55, 0.9, 0.2]
    assert [agreement.curves[1].shares[at] for at in (0, 1, 60, 61, 100)] == [1, 0.9, 0.9, 0.6, 0.6]
    assert agreement.curves[1].mean == pytest.approx(0.78)
    assert agreement.filtered
    assert agreement.rule == "at least 0.6"
    assert len(re.findall("<polyline", agreement.drawing)) == 3


def test_a_prompt_has_one_colour_in_all_plots_and_small_ones_share_one():
    counts = {("agreement", f"p{n}", "s"): Counter({100: 10 - n}) for n in range(8)}
    counts |= {("judged", f"p{n}", "s"): Counter({100: 1}) for n in (3, 1, 7)}
    agreement, judged = calibrate(counts, [], shares={})
    colors = {curve.label: curve.color for curve in agreement.curves}
    assert colors == {"all": "all", **{f"p{n}": f"c{n}" for n in range(5)}, "others": "c5"}
    assert {curve.label: curve.color for curve in judged.curves} == {
        name: colors[name] for name in ("all", "p1", "p3", "others")
    }


def test_styles_are_compared_where_there_is_one_prompt():
    counts = {("agreement", "p", style): Counter({100: 1}) for style in ("extractive", "visual")}
    (agreement,) = calibrate(counts, [], shares={})
    assert [curve.label for curve in agreement.curves] == ["all", "extractive", "visual"]
    (alone,) = calibrate({("agreement", "p", "visual"): Counter({100: 1})}, [], shares={})
    assert [curve.label for curve in alone.curves] == ["all"]


def test_where_low_is_good_a_threshold_keeps_what_is_below():
    blind = draw_curves()["blind_agreement"]
    assert (blind.curves[0].shares[0], blind.curves[0].shares[100], blind.curves[0].passing) == (0.9, 1, 0.9)
    assert (blind.rule, blind.filtered) == ("at most 0.5", False)


def test_of_a_drawn_share_the_rest_is_estimated():
    assert draw_curves()["agreement"].estimate == ""
    told = draw_curves(drawn=0.1)["agreement"].estimate
    assert told == "10% were drawn; of the others 48% to 62% would pass (95 %)"


def test_the_threshold_is_drawn_where_it_is_set():
    def find_line(least: float) -> float:
        drawing = draw_curves(bounds=(Bound("agreement", "disagrees", least=least),))["agreement"].drawing
        found = re.search(r'class="threshold" x1="([\d.]+)"', drawing)
        assert found is not None
        return float(found[1])

    assert find_line(0.0) < find_line(0.5) < find_line(1.0)
    assert find_line(0.5) == pytest.approx((find_line(0.0) + find_line(1.0)) / 2, abs=0.1)


def test_kept_and_dropped_pairs_of_a_run_are_counted(checked_job: Job, mixed_job: Job):
    counts = count_scores(checked_job.run)
    agreements = sum((tally for (name, _, _), tally in counts.items() if name == "agreement"), Counter())
    rows = [row for _, record in checked_job.run.records("curate") for row in
            checked_job.run.iterate_file(checked_job.run.part_name("curate", record))]  # fmt: skip
    assert agreements.total() == len(rows)
    assert agreements[0] == sum(row["scores"]["agreement"] == 0 for row in rows) > 0
    assert {row["reason"] for row in rows} >= {None, "disagrees", "judged_poor"}
    assert count_scores(mixed_job.run) == {}
