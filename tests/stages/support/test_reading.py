"""Verbs that only read a run do without the driver, and without Ray."""

from __future__ import annotations

import subprocess
import sys

import pytest

READERS = {
    "status": "docmatix.review.status",
    "open": "docmatix.review.collection",
    "check": "docmatix.check.proof",
    "report": "docmatix.report.report",
    "push": "docmatix.publishing.push",
}


@pytest.mark.parametrize("module", READERS.values(), ids=READERS)
def test_a_verb_that_only_reads_imports_neither_the_driver_nor_ray(module: str) -> None:
    code = f"import {module}, sys; print([name for name in sys.modules if name.split('.')[:2] == ['docmatix', 'driver']"
    code += " or name == 'ray'])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
