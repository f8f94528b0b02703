"""Checks that ask a model about generated pairs, one module per kind. A new kind needs its module and a line here."""

from typing import Annotated, TypeAlias

from pydantic import SerializeAsAny

from docmatix.core.kinds import OneOf
from docmatix.verification.answer_again import AnswerAgain
from docmatix.verification.answer_blind import AnswerBlind
from docmatix.verification.check import Check
from docmatix.verification.fluency import Fluency
from docmatix.verification.judge import Judge
from docmatix.verification.round_trip import RoundTrip

CHECKS: tuple[type[Check], ...] = (AnswerAgain, AnswerBlind, Judge, RoundTrip, Fluency)
AnyCheck: TypeAlias = Annotated[SerializeAsAny[Check], OneOf(Check, CHECKS)]
