"""The ledger as a flow: widths, losses, what stands beside a step."""

from __future__ import annotations

import re
from typing import Any

from docmatix.report.flow import COLORS, draw_bar, lay_out_flow, rank_losses


def make_stage(stage: str, *lines: tuple[str, int, dict[str, int]], shards: tuple[int, int] = (4, 4)) -> dict[str, Any]:
    ledger = [
        {"unit": unit, "in": entered, "out": entered - sum(dropped.values()), "dropped": dropped}
        for unit, entered, dropped in lines
    ]
    return {"stage": stage, "ledger": ledger, "shards_done": shards[0], "shards": shards[1]}


STAGES = [
    make_stage("plan", ("documents", 100, {})),
    make_stage("extract", ("documents", 100, {"encrypted": 20}), ("pages", 400, {"blank": 40})),
    make_stage("dedup", ("documents", 80, {"duplicate": 30})),
    make_stage("generate", ("documents", 50, {}), ("windows", 90, {"no_candidates": 45}), ("pairs", 200, {})),
    make_stage("curate", ("pairs", 200, {"too_long": 50, "ungrounded": 100})),
]


def test_the_flow_goes_from_documents_to_pairs():
    steps = lay_out_flow(STAGES)
    assert [(step.stage, step.unit) for step in steps] == [
        ("extract", "documents"),
        ("dedup", "documents"),
        ("generate", "windows"),
        ("generate", "pairs"),
        ("curate", "pairs"),
    ]
    assert [(step.entered, step.kept) for step in steps] == [(100, 80), (80, 50), (90, 45), (200, 200), (200, 50)]


def test_bars_of_one_unit_share_a_scale_and_another_unit_starts_at_full_width():
    steps = lay_out_flow(STAGES)
    assert [(step.start, step.end) for step in steps] == [(1, 0.8), (0.8, 0.5), (1, 0.5), (1, 1), (1, 0.25)]
    assert [step.after for step in steps] == [0.8, 1, 1, 1, 0.25]


def test_other_units_stand_beside_their_stage_once():
    extract, _, windows, pairs, _ = lay_out_flow(STAGES)
    assert [(aside.unit, aside.kept, aside.losses[0].reason) for aside in extract.asides] == [("pages", 360, "blank")]
    assert windows.asides == pairs.asides == ()


def test_a_run_that_has_counted_nothing_has_no_flow():
    assert lay_out_flow([make_stage("plan"), make_stage("extract", ("documents", 0, {}))]) == []


def test_a_stage_that_is_not_done_says_how_far_it_is():
    (step,) = lay_out_flow([make_stage("extract", ("documents", 3, {}), shards=(1, 9))])
    assert step.shards == (1, 9)


def test_the_commonest_losses_come_first_and_rare_ones_share_a_colour():
    losses = rank_losses({f"reason{n}": n for n in range(1, 10)})
    assert [loss.count for loss in losses] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert [loss.color for loss in losses] == [0, 1, 2, 3, 4, COLORS, COLORS, COLORS, COLORS]


def test_a_bar_shows_what_was_kept_and_then_each_loss():
    drawing = draw_bar(200, 50, rank_losses({"too_long": 50, "ungrounded": 100}), start=0.5)
    widths = [float(width) for width in re.findall(r'width="([\d.]+)"', drawing)]
    assert widths == [125, 250, 125]
    assert [float(x) for x in re.findall(r' x="([\d.]+)"', drawing)] == [125, 375]


def test_a_loss_of_one_in_a_million_can_be_seen():
    drawing = draw_bar(1_000_000, 999_999, rank_losses({"crashed": 1}), start=1.0)
    assert 'class="loss c0"' in drawing
    assert 'width="2.0"' in drawing


def test_a_drawing_holds_no_text_of_the_run():
    (step,) = lay_out_flow([make_stage("extract", ("documents", 9, {"<script>": 3}))])
    assert "script" not in step.drawing
