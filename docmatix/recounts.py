"""The ledger of a shard, counted anew from its rows: what a commit record says must be what its file holds.

Every function passes the rows through and fills the ledger as they go by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from docmatix.ledger import Account, Ledger

Rows = Iterator[Mapping[str, Any]]

COLUMNS = {
    "extract": ["index", "doc_id", "sha256", "reason", "pages.list.element.number", "pages.list.element.reason"],
    "dedup": ["index", "reason"],
    "generate": ["index", "sample_id", "request_id", "reason", "malformed", "pairs"],
    "verify": ["pair_id", "request_id", "reason"],
    "curate": ["reason"],
}
"""What has to be read of a stage's rows to count them."""


def recount_extract(rows: Rows, ledger: Ledger) -> Rows:
    for row in rows:
        ledger.enter("documents")
        ledger.settle("documents", row["reason"])
        for page in row["pages"] or ():
            ledger.enter("pages")
            ledger.settle("pages", row["reason"] or page["reason"])
        yield row


def recount_dedup(rows: Rows, ledger: Ledger) -> Rows:
    """Only what was dropped: the rows are the documents that are left out."""
    for row in rows:
        ledger.drop("documents", row["reason"])
        yield row


def recount_generate(rows: Rows, ledger: Ledger) -> Rows:
    index, window = None, None
    for row in rows:
        if row["index"] != index:
            index = row["index"]
            ledger.enter("documents")
            ledger.keep("documents")
            window = None
        if row["sample_id"] != window:
            window = row["sample_id"]
            ledger.enter("windows")
            ledger.settle("windows", None if row["request_id"] else row["reason"])
        if row["request_id"]:
            ledger.enter("requests")
            ledger.settle("requests", row["reason"])
        pairs, malformed = row["pairs"] or (), row["malformed"] or ()
        ledger.enter("pairs", len(pairs) + len(malformed))
        ledger.keep("pairs", len(pairs))
        for reason in malformed:
            ledger.drop("pairs", reason)
        yield row


def recount_verify(rows: Rows, ledger: Ledger) -> Rows:
    for row in rows:
        ledger.enter("pairs")
        ledger.keep("pairs")
        if row["request_id"]:
            ledger.enter("requests")
            ledger.settle("requests", row["reason"])
        yield row


def recount_curate(rows: Rows, ledger: Ledger) -> Rows:
    for row in rows:
        ledger.enter("pairs")
        ledger.settle("pairs", row["reason"])
        yield row


RECOUNTS: dict[str, Callable[[Rows, Ledger], Rows]] = {
    "extract": recount_extract,
    "dedup": recount_dedup,
    "generate": recount_generate,
    "verify": recount_verify,
    "curate": recount_curate,
}


def find_miscounts(stage: str, recorded: Ledger, counted: Ledger) -> Iterator[str]:
    """Where the ledger of a record and that of the rows differ, such as `200 pairs in, its rows 199`."""
    # of the documents that dedup leaves out, the pages stand in no row of it, and the others in none at all
    units = {"documents"} if stage == "dedup" else {*recorded.accounts, *counted.accounts}
    for unit in sorted(units):
        said, found = recorded.accounts.get(unit, Account()), counted.accounts.get(unit, Account())
        if stage != "dedup" and (said.entered, said.kept) != (found.entered, found.kept):
            yield f"{said.entered} {unit} in and {said.kept} out, its rows {found.entered} and {found.kept}"
        for reason in sorted({*said.dropped, *found.dropped}):
            if said.dropped[reason] != found.dropped[reason]:
                yield f"{said.dropped[reason]} {unit} dropped as `{reason}`, its rows {found.dropped[reason]}"
