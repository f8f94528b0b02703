"""Marks for tests with real engines, which are skipped where an engine or its models are not installed."""

from __future__ import annotations

import pytest

from docmatix.core.errors import SetupError
from docmatix.pdf.ocr.engine import OcrEngine


def needs(engine: OcrEngine) -> pytest.MarkDecorator:
    """Skips a test where the engine lacks something, and says so."""
    try:
        engine.check()
    except SetupError:
        return pytest.mark.skipif(True, reason=f"{engine.kind} is not installed")
    return pytest.mark.skipif(False, reason="")
