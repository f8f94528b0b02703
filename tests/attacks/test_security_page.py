"""SECURITY.md says which test attacks each line; it must not say so of one that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_threat_has_something_that_holds_and_a_test_that_is_there():
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)[2:]
    assert len(rows) >= 20
    for threat, holds, tests in rows:
        assert threat
        assert holds
        named = re.findall(r"`([^`]+)`", tests)
        assert named, threat
        for name in named:
            path = ROOT / name if name.startswith("tests/") else ROOT / "tests" / "attacks" / name
            assert re.search(r"^(async )?def test_", path.read_text(), re.MULTILINE), name


def test_every_file_of_attacks_is_on_the_page():
    page = (ROOT / "SECURITY.md").read_text()
    attacks = {path.name for path in (ROOT / "tests" / "attacks").glob("test_*.py")} - {Path(__file__).name}
    assert {name for name in attacks if name not in page} == set()
