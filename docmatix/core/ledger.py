"""The ledger: what came in, what went out, and why the rest was dropped, for each unit a stage handles.

`in = out + sum(dropped)` must hold for every unit of a stage, and what enters a stage must be what left the one before
(`docmatix.driver.build.check_chain`): a document that is lost within a stage or between two shows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from docmatix.core.errors import LedgerError

UNEXPECTED = {
    "documents": frozenset({"internal_error", "missing", "no_access", "outside_source"}),
    "requests": frozenset(
        {
            *("internal_error", "missing", "no_access", "outside_source"),
            *("unreadable", "refused", "server_error", "timeout"),
        }
    ),
    "rows": frozenset({"internal_error", "missing", "no_access", "outside_source", "unreadable"}),
}
"""Reasons that speak of a bug or an outage, not of the data: too many of them stop the build. `unreadable`, a broken
PDF, is data where documents are read first; later it is one that was read before."""
JUDGED_FROM = 50
"""Items, before which nothing is said of a share while more are to come."""
BEYOND_LUCK = 3
"""Standard deviations. Where one in ten is lost for good, 11 of the first 50 are lost in one build of a hundred, and a
share of 0.2 alone would stop it; 19, which it takes with these, in one of seven million."""


@dataclass(slots=True)
class Account:
    """The figures of one unit."""

    entered: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def balanced(self) -> bool:
        return self.entered == self.kept + self.dropped.total()


class Ledger:
    """Accounts by unit (`documents`, `pages`, `windows`, `requests`, `pairs`, `rows`)."""

    def __init__(self, units: Iterable[str] = ()) -> None:
        self.accounts: dict[str, Account] = {unit: Account() for unit in units}

    def enter(self, unit: str, count: int = 1) -> None:
        self._account(unit).entered += count

    def keep(self, unit: str, count: int = 1) -> None:
        self._account(unit).kept += count

    def drop(self, unit: str, reason: str, count: int = 1) -> None:
        if count:
            self._account(unit).dropped[reason] += count

    def settle(self, unit: str, reason: str | None, count: int = 1) -> None:
        """Keep where `reason` is None, else drop."""
        if reason is None:
            self.keep(unit, count)
        else:
            self.drop(unit, reason, count)

    def add(self, other: Ledger) -> None:
        for unit, account in other.accounts.items():
            mine = self._account(unit)
            mine.entered += account.entered
            mine.kept += account.kept
            mine.dropped.update(account.dropped)

    @property
    def balanced(self) -> bool:
        return all(account.balanced for account in self.accounts.values())

    def require_balance(self, stage: str) -> None:
        """Raise LedgerError if anything entered the stage and neither left it nor was dropped for a reason."""
        for unit, account in self.accounts.items():
            if not account.balanced:
                raise LedgerError(
                    f"The ledger of {stage} does not balance: {account.entered} {unit} came in, {account.kept} went out"
                    f" and {account.dropped.total()} were dropped. This is a bug in docmatix; please report it."
                )

    def require_expected(self, stage: str, *, max_share: float, complete: bool = True) -> None:
        """Raise LedgerError if unexpected reasons together took more than `max_share` of a unit.

        Fewer than three are let pass unless they are all there is. While a stage runs (`complete` false) the share must
        be passed by more than luck explains (`is_past_share`).
        """
        for unit, account in self.accounts.items():
            lost = Counter({r: n for r, n in account.dropped.items() if r in UNEXPECTED.get(unit, ())})
            count, entered = lost.total(), account.entered
            if complete:
                past = count > max_share * entered and (count >= 3 or count == entered)
            else:
                past = is_past_share(count, of=entered, max_share=max_share)
            if past:
                reasons = [reason for reason, _ in lost.most_common()]
                raise LedgerError(
                    f"{stage} stopped: {count} of {entered} {unit} failed with {describe_reasons(lost)}, more than"
                    f" limits.unexpected_share = {max_share:g} allows; `docmatix inspect RUN --dropped {reasons[0]}`"
                    " shows them."
                )

    @property
    def has_unexpected(self) -> bool:
        """Whether anything was dropped for an unexpected reason."""
        return any(
            reason in UNEXPECTED.get(unit, ()) for unit, account in self.accounts.items() for reason in account.dropped
        )

    def to_json(self) -> list[dict[str, Any]]:
        """The form of `status --json` and of commit records."""
        return [
            {"unit": unit, "in": a.entered, "out": a.kept, "dropped": dict(sorted(a.dropped.items()))}
            for unit, a in self.accounts.items()
        ]

    @classmethod
    def from_json(cls, content: Iterable[Mapping[str, Any]]) -> Ledger:
        ledger = cls()
        for line in content:
            ledger.accounts[line["unit"]] = Account(line["in"], line["out"], Counter(line["dropped"]))
        return ledger

    def _account(self, unit: str) -> Account:
        account = self.accounts.get(unit)
        if account is None:
            account = self.accounts[unit] = Account()
        return account


def is_past_share(count: int, *, of: int, max_share: float) -> bool:
    """Whether a share is passed for good while more items are to come: by more than `BEYOND_LUCK` standard deviations
    of as many draws, and of `JUDGED_FROM` items at least. All of them lost are always too many, unless all may be."""
    if of < JUDGED_FROM or count <= max_share * of:
        return False
    return count == of or count > max_share * of + BEYOND_LUCK * math.sqrt(max_share * (1 - max_share) * of)


def describe_reasons(lost: Counter[str]) -> str:
    """`refused`, or `refused` (31) and `timeout` (7), the commonest first."""
    if len(lost) == 1:
        return f"`{next(iter(lost))}`"
    return " and ".join(f"`{reason}` ({count})" for reason, count in lost.most_common())
