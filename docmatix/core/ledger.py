"""The ledger of a stage: for each unit, what came in, what went out, and why the rest was dropped.

`in = out + sum(dropped)` must hold, and what enters a stage must be what left the one before
(`docmatix.stages.support.reading.check_chain`), so that a document lost within a stage or between two is noticed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from docmatix.core.errors import LedgerError

# Reasons that point to a bug or an outage rather than the data: too many of them stop the build. An `unreadable` PDF is
# data when documents are read first; later it is one that was read before.
UNEXPECTED = {
    "documents": frozenset({"internal_error", "missing", "no_access", "outside_source"}),
    "pages": frozenset({"internal_error"}),
    "requests": frozenset(
        {
            *("internal_error", "missing", "no_access", "outside_source"),
            *("unreadable", "refused", "server_error", "timeout"),
        }
    ),
    "rows": frozenset({"internal_error", "missing", "no_access", "outside_source", "unreadable"}),
}
JUDGED_FROM = 50  # items; a share of fewer is not judged while more are to come

# Standard deviations. Where one item in ten fails, 11 of the first 50 fail in one build of a hundred, and a limit of
# 0.2 alone would stop it; the 19 that it takes with this margin occur in one of seven million.
BEYOND_LUCK = 3


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
        """Keep if `reason` is None, else drop."""
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
        """Raise LedgerError if anything entered the stage but neither left it nor was dropped for a reason."""
        for unit, account in self.accounts.items():
            if not account.balanced:
                raise LedgerError(
                    f"The ledger of {stage} does not balance: {account.entered} {unit} came in, {account.kept} went out"
                    f" and {account.dropped.total()} were dropped. This is a bug in docmatix; please report it."
                )

    def require_expected(self, stage: str, *, max_share: float, complete: bool = True) -> None:
        """Raise LedgerError if unexpected reasons together took more than `max_share` of a unit. Fewer than three pass
        unless they are all there is; while a stage runs (`complete` false), `is_past_share` decides."""
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
        """As in `status --json` and in commit records."""
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
    """Whether `count` exceeds its share for good although more items are to come: by `BEYOND_LUCK` standard deviations,
    or because all of at least `JUDGED_FROM` items are lost."""
    if of < JUDGED_FROM or count <= max_share * of:
        return False
    return count == of or count > max_share * of + BEYOND_LUCK * math.sqrt(max_share * (1 - max_share) * of)


def describe_reasons(lost: Counter[str]) -> str:
    """`refused`, or `refused` (31) and `timeout` (7), the most frequent first."""
    if len(lost) == 1:
        return f"`{next(iter(lost))}`"
    return " and ".join(f"`{reason}` ({count})" for reason, count in lost.most_common())


def describe_ledger(ledger: Ledger) -> str:
    """`385 documents, 301 kept (encrypted 12, not_pdf 3); ...`, the commonest reasons first."""
    parts = []
    for unit, account in ledger.accounts.items():
        reasons = ", ".join(f"{reason} {count}" for reason, count in account.dropped.most_common(6))
        parts.append(f"{account.kept} of {account.entered} {unit}{f' ({reasons})' if reasons else ''}")
    return "; ".join(parts)
