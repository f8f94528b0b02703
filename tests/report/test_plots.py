"""The plots of the report: figures where there is one prompt, bars where there are several."""

from __future__ import annotations

import json
from typing import Any

from docmatix.report.plots import Plots, make_plots
from docmatix.stages.support.job import Job


def make_group(pairs: int, **dropped: int) -> dict[str, Any]:
    return {"pairs": pairs, "pairs_per_page": pairs / 10, "dropped": dropped}


def test_a_dataset_without_statistics_has_no_plots():
    assert make_plots({}) == Plots()


def test_figures_of_a_single_prompt_are_written_and_not_drawn(mixed_job: Job):
    plots = make_plots(json.loads(mixed_job.run.read("dataset/stats.json")))
    assert ("pairs per page", "", "") not in plots.alone
    assert "pairs" in {title for title, _, _ in plots.alone}
    assert not [plot.title for plot in plots.compared if plot.title.endswith("by prompt")]


def test_several_prompts_are_compared():
    summary = {"pairs": 30, "by_prompt": {"one": make_group(20, too_long=20), "two": make_group(10, ungrounded=5)}}
    plots = make_plots(summary)
    assert plots.alone == ()
    outcomes, pairs, _ = plots.compared
    assert outcomes.title == "What became of the pairs by prompt"
    assert [(bar.label, bar.figure) for bar in outcomes.bars] == [("one", "50% of 40 kept"), ("two", "67% of 15 kept")]
    assert [loss.reason for loss in outcomes.legend] == ["too_long", "ungrounded"]
    assert 'class="loss c1"' in outcomes.bars[1].drawing
    assert pairs.title == "Pairs by prompt"
    assert [('width="1000.0"' in bar.drawing, 'width="500.0"' in bar.drawing) for bar in pairs.bars] == [
        (True, False),
        (False, True),
    ]
