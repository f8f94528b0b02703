"""The estimate: a few documents really built, and scaled up."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from pathlib import Path
from typing import Any

import pytest

from docmatix.config.loading import load_config
from docmatix.review.estimate import Estimate, estimate_build, estimate_error
from tests.builds import write_config
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import start_scripted_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_what_two_documents_cost_is_scaled_to_all_eight(tmp_path: Path) -> None:
    folder = tmp_path / "pdfs"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.pdf").write_bytes(write_distinct_pdf(number))
    with start_scripted_server() as server:
        config = load_config(write_config(tmp_path, folder, server.base_url))
        estimate = estimate_build(config, config_dir=tmp_path, sample=2)
        assert server.request_count == 2
    assert (estimate.documents, estimate.sampled) == (8, 2)
    assert (estimate.kept_documents, estimate.pages, estimate.requests) == (8, 8, 8)
    assert estimate.prompt_tokens > 0
    assert estimate.extract_cpu_hours > 0
    assert estimate.error == 0  # both gave one request
    assert "Measured on 2 of 8 documents, times 4, give or take 0%" in estimate.describe()
    assert "--sample" not in estimate.describe()


def test_the_error_is_that_of_a_random_sample_without_replacement() -> None:
    counts = [0, 1, 2, 9]
    pairs = list(itertools.combinations(counts, 2))
    exact = statistics.pvariance(map(statistics.mean, pairs))
    # The variance within a sample is an unbiased estimate, so the mean over all samples is exact.
    estimated = []
    for pair in pairs:
        error = estimate_error([count for count in pair if count], sampled=2, documents=4)
        assert error is not None
        estimated.append((error * statistics.mean(pair)) ** 2)
    assert statistics.mean(estimated) == pytest.approx(exact)


def test_the_error_of_everything_is_none_and_that_of_one_document_is_unknown() -> None:
    assert estimate_error([3, 7], sampled=2, documents=2) == 0
    assert estimate_error([3], sampled=1, documents=10) is None
    assert estimate_error([], sampled=5, documents=10) is None


def test_a_rough_estimate_advises_a_larger_sample() -> None:
    figures: dict[str, Any] = dict.fromkeys((field.name for field in dataclasses.fields(Estimate)), 1)
    rough = Estimate(**{**figures, "documents": 1_000, "sampled": 8, "error": 0.43})
    assert "times 125, give or take 43%" in rough.describe()
    assert "a larger --sample would give a better estimate" in rough.describe()
    assert "error unknown" in dataclasses.replace(rough, error=None).describe()


def test_requests_that_a_blind_draw_would_send_are_told_where_there_are_any() -> None:
    figures: dict[str, Any] = dict.fromkeys((field.name for field in dataclasses.fields(Estimate)), 1)
    some = Estimate(**{**figures, "error": 0.0, "saved_requests": 1234.0})
    assert "  requests saved               1,234" in some.describe().splitlines()
    assert "saved" not in dataclasses.replace(some, saved_requests=0.0).describe()
