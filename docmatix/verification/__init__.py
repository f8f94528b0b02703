"""Checks that ask a model about generated pairs, one module per kind. A new kind needs its module and a line here."""

from typing import Annotated, TypeAlias

from pydantic import SerializeAsAny

from docmatix.core.kinds import OneOf
from docmatix.verification.check import Check
from docmatix.verification.fluency import Fluency
from docmatix.verification.round_trip import RoundTrip

CHECKS: tuple[type[Check], ...] = (RoundTrip, Fluency)
AnyCheck: TypeAlias = Annotated[SerializeAsAny[Check], OneOf(Check, CHECKS)]
