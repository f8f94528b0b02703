"""Prompt files, written for tests."""

from __future__ import annotations

from pathlib import Path

HEAD = "---\nfamily: window\nstyle: abstractive\nreply: pairs_json\n"
BODY = "---\n@user\n{{ text }}\n"


def write_prompt(directory: Path, text: str = HEAD + BODY, *, name: str = "one") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    return path
