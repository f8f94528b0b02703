"""What the search for duplicates and its contenders find among drawn documents."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.dedup import draw_documents, draw_pages, run_brute_force, run_docmatix, run_pages, run_rensa


@pytest.mark.parametrize("run", [run_docmatix, run_brute_force, run_rensa])
def test_all_drawn_duplicates_are_found_and_no_others(tmp_path, run):
    truth = draw_documents(tmp_path, 800)
    assert 100 < truth.sum() < 300
    assert run(tmp_path, 800, 64).tolist() == np.flatnonzero(truth).tolist()


def test_all_drawn_pages_that_say_the_same_are_found_and_no_others(tmp_path):
    truth = draw_pages(tmp_path, 4000, 3)
    assert 300 < truth.sum() < 1200
    assert run_pages(tmp_path, 4000, 64, 3).tolist() == np.flatnonzero(truth).tolist()
