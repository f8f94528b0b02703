"""Whether two answers to one question say the same: a score, and the rule that decided it. Pure.

compare_answers("€ 3.5 million", "3,500,000 EUR")  # Agreement(score=1.0, rule="number")
"""

from docmatix.verification.agreement.comparison import Agreement, compare_answers
from docmatix.verification.agreement.metrics import anls, is_exact, token_f1
from docmatix.verification.agreement.quantities import Quantity, read_quantity
from docmatix.verification.agreement.verdicts import is_not_answerable

__all__ = [
    "Agreement",
    "Quantity",
    "anls",
    "compare_answers",
    "is_exact",
    "is_not_answerable",
    "read_quantity",
    "token_f1",
]
