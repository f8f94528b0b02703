"""What the search for duplicates and its contenders find among drawn documents."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.dedup import draw_documents, run_brute_force, run_docmatix, run_rensa


@pytest.mark.parametrize("run", [run_docmatix, run_brute_force, run_rensa])
def test_all_drawn_duplicates_are_found_and_no_others(tmp_path, run):
    truth = draw_documents(tmp_path, 800)
    assert 100 < truth.sum() < 300
    assert run(tmp_path, 800, 64).tolist() == np.flatnonzero(truth).tolist()
