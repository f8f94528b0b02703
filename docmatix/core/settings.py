"""The root of all settings models. Each lives next to the code it configures; `docmatix.config` composes them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import to_jsonable_python


class NotFingerprinted:
    """Marks a field that affects how the work is done, never the output."""


NOT_FINGERPRINTED = NotFingerprinted()


class Section(BaseModel):
    """One mapping of the configuration file: frozen, unknown keys rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_by_name=True)

    def to_fingerprint(self) -> dict[str, Any]:
        """The fields that affect the output, as plain JSON values: all but those marked `NotFingerprinted`."""
        return {
            name: _plain(getattr(self, name))
            for name, about in type(self).model_fields.items()
            if NOT_FINGERPRINTED not in about.metadata
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return value.to_fingerprint()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(_plain, value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return to_jsonable_python(value)
