"""`none`: no model at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from docmatix.models.engine import Engine
from docmatix.models.service import NOWHERE, Served

if TYPE_CHECKING:
    from docmatix.storage.run import Run


class NoEngine(Engine):
    """No model: all pairs are made from facts (`generate.pairs_per_page`), in seconds a document. It takes no prompts,
    sends nothing and needs no server."""

    kind: Literal["none"]
    model: Literal["none"] = "none"
    """There is none."""

    @property
    def has_model(self) -> bool:
        return False

    @property
    def context_length(self) -> int:
        return 0

    def to_fingerprint(self) -> dict[str, Any]:
        """The kind alone: what else every engine has is about a model."""
        return {"kind": self.kind}

    @contextlib.contextmanager
    def serve(self, *, pictures_per_request: int, say: Callable[[str], None], run: Run) -> Iterator[Served]:
        yield Served(NOWHERE, list)
