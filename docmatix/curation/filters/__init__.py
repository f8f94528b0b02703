"""The filters of `curate`, one file each. A new one has its file here and its line in `FILTERS`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import SerializeAsAny

from docmatix.core.kinds import OneOf
from docmatix.curation.filters.agrees import Agrees
from docmatix.curation.filters.clarity import Clarity
from docmatix.curation.filters.copies_example import CopiesExample
from docmatix.curation.filters.duplicate import Duplicate
from docmatix.curation.filters.echo import Echo
from docmatix.curation.filters.filter import Filter
from docmatix.curation.filters.fluent import Fluent
from docmatix.curation.filters.grounded import Grounded
from docmatix.curation.filters.judged import JudgedWell
from docmatix.curation.filters.language import Language
from docmatix.curation.filters.length import Length
from docmatix.curation.filters.markup import Markup
from docmatix.curation.filters.min_ocr_confidence import MinOcrConfidence
from docmatix.curation.filters.needs_pages import NeedsPages
from docmatix.curation.filters.not_blind import NotBlind
from docmatix.curation.filters.question_form import QuestionForm
from docmatix.curation.filters.references import References
from docmatix.curation.filters.refusal import Refused
from docmatix.curation.filters.round_trip import RoundTrip

FILTERS: tuple[type[Filter], ...] = (
    Length,
    Markup,
    Refused,
    QuestionForm,
    CopiesExample,
    Echo,
    References,
    Language,
    Grounded,
    MinOcrConfidence,
    RoundTrip,
    Agrees,
    NotBlind,
    NeedsPages,
    JudgedWell,
    Fluent,
    Clarity,
    Duplicate,
)
"""The project's own kinds."""
AnyFilter: TypeAlias = Annotated[SerializeAsAny[Filter], OneOf(Filter, FILTERS)]

DEFAULT_FILTERS: tuple[Filter, ...] = (
    Length(),
    Markup(),
    Refused(),
    QuestionForm(),
    CopiesExample(),
    Echo(),
    Language(),
    Grounded(),
    MinOcrConfidence(),
    RoundTrip(),
    Agrees(),
    JudgedWell(),
    Fluent(),
    Clarity(),
    Duplicate(),
)
"""In the order in which they judge: what is wrong with the words comes before what is wrong with the facts, so that the
ledger names the more direct cause. They are part of the fingerprint of every build that names no filters."""
