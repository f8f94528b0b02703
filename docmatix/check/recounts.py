"""Recounts the ledger of a shard from its rows, which pass through while it is filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from docmatix.core.ledger import Account, Ledger
from docmatix.pipeline import CURATE, DEDUP, EXTRACT, GENERATE, VERIFY
from docmatix.storage.schemas import VERIFIED_SCORES

Rows = Iterator[Mapping[str, Any]]


class Recount(NamedTuple):
    """How the rows of a stage are counted, and which columns that takes."""

    recount: Callable[[Rows, Ledger], Rows]
    columns: Sequence[str]


def recount_extract(rows: Rows, ledger: Ledger) -> Rows:
    index = None
    for row in rows:
        if row["index"] != index:
            index = row["index"]
            ledger.enter("documents")
            ledger.settle("documents", row["reason"])
        for page in row["pages"] or ():
            ledger.enter("pages")
            ledger.settle("pages", row["reason"] or page["reason"])
        yield row


def recount_dedup(rows: Rows, ledger: Ledger) -> Rows:
    """Only what was dropped: the rows are the documents that are left out, and the pages of others."""
    for row in rows:
        ledger.drop("documents" if row.get("page_number") is None else "pages", row["reason"])
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
        for request in list_requests(row):
            ledger.enter("requests")
            ledger.settle("requests", request["reason"])
        yield row


def list_requests(row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The requests about a pair in a row of `verify`, which in runs of earlier versions is the only one itself."""
    if "requests" in row:
        return row["requests"] or ()
    return [row] if row["request_id"] else ()


def recount_curate(rows: Rows, ledger: Ledger) -> Rows:
    for row in rows:
        ledger.enter("pairs")
        ledger.settle("pairs", row["reason"])
        yield row


_PAGES = ("pages.list.element.number", "pages.list.element.reason")
_OF_REQUEST = ("check", "page", "request_id", "reply", "reason", "score", "rule", "ratings")
_VERIFIED = (
    *("pair_id", "request_id", "reason", *VERIFIED_SCORES),
    *(f"requests.list.element.{name}" for name in _OF_REQUEST),
)
_GENERATED = ("index", "sample_id", "page_numbers", "request_id", "reason", "malformed", "pairs")

RECOUNTS = {
    EXTRACT: Recount(recount_extract, ("index", "doc_id", "sha256", "reason", *_PAGES)),
    DEDUP: Recount(recount_dedup, ("index", "reason", "page_number")),
    GENERATE: Recount(recount_generate, _GENERATED),
    VERIFY: Recount(recount_verify, _VERIFIED),
    CURATE: Recount(recount_curate, ("reason",)),
}


def find_miscounts(stage: str, recorded: Ledger, counted: Ledger) -> Iterator[str]:
    """Where the ledger of a record and that of the rows differ, such as `200 pairs in, its rows 199`."""
    for unit in sorted({*recorded.accounts, *counted.accounts}):
        said, found = recorded.accounts.get(unit, Account()), counted.accounts.get(unit, Account())
        if stage != DEDUP and (said.entered, said.kept) != (found.entered, found.kept):
            yield f"{said.entered} {unit} in and {said.kept} out, its rows {found.entered} and {found.kept}"
        reasons = {*said.dropped, *found.dropped}
        if stage == DEDUP and unit == "pages":
            # the documents that it leaves out are rows without their pages
            reasons -= {*recorded.accounts["documents"].dropped} if "documents" in recorded.accounts else set()
        for reason in sorted(reasons):
            if said.dropped[reason] != found.dropped[reason]:
                yield f"{said.dropped[reason]} {unit} dropped as `{reason}`, its rows {found.dropped[reason]}"
