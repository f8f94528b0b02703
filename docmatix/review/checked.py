"""What a model said when `verify` asked it about pairs: read from runs of any version, and told in words.

iterate_checked(run, 0)  # ("5f0c...", (CheckedRequest("answer_again", reply="12 %", score=1.0, rule="number"), ...))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from docmatix.config import Config
from docmatix.pipeline import VERIFY
from docmatix.prompting.replies import read_answer
from docmatix.storage.run import Run
from docmatix.verification.check import Rating


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request about a pair, by the name of its `check`. `page` is set where it showed one of several; `reply` is
    without the model's thoughts; `reason` says why there is no reply or no score."""

    check: str
    page: int | None = None
    model: str = ""
    reply: str | None = None
    reason: str | None = None
    detail: str | None = None
    score: float | None = None
    rule: str | None = None
    ratings: tuple[Rating, ...] = ()

    def describe_reply(self) -> str:
        """What was said: the ratings, the reply, or why there is none; of a check without words its score."""
        if self.ratings:
            told = ((each, f" ({each.reason})" if each.reason else "") for each in self.ratings)
            return "; ".join(f"{each.criterion.replace('_', ' ')} {each.rating}{why}" for each, why in told)
        if self.reply is None:
            return self.reason or ("" if self.score is None else f"{self.score:.2f}")
        return f"{self.reply} ({self.reason})" if self.reason else self.reply


class Saying(NamedTuple):
    """What the model said of a pair, and the words that lead to it: `asked again, the model said`."""

    lead: str
    said: str


_FIELDS = ("check", "page", "model", "reply", "reason", "detail", "score", "rule", "ratings")
# those of a file's own version are read, the others passed over; not the bodies, which have the texts of the pages
_OF_ONE_CHECK = ("reply", "reason", "detail", "round_trip", "fluency")
_COLUMNS = ("pair_id", *(f"requests.list.element.{name}" for name in _FIELDS), *_OF_ONE_CHECK)

_LEADS = {
    "round_trip_failed": ("round_trip", "asked again, the model said"),
    "disagrees": ("answer_again", "asked again with the pages, the model said"),
    "answerable_blind": ("answer_blind", "asked without the pages, the model said"),
    "single_page_suffices": ("answer_again", "asked with page {page} alone, the model said"),
    "judged_poor": ("judge", "the judge said"),
    "not_fluent": ("fluency", "the model finds the question's words unlikely"),
}
"""The kind of check that tells why a pair was dropped for a reason, and what leads to its words."""
EXPLAINED = frozenset(_LEADS)
"""Reasons that a check explains."""


def iterate_checked(run: Run, shard: int) -> Iterator[tuple[str, tuple[CheckedRequest, ...]]]:
    """The requests about each pair of a shard, by pair id; nothing of a shard that was not verified."""
    if run.read_record(VERIFY, shard) is None:
        return
    for row in run.iterate_rows(VERIFY, shard, columns=_COLUMNS):
        if "requests" in row:
            yield row["pair_id"], tuple(map(_read_request, row["requests"] or ()))
        else:
            yield row["pair_id"], tuple(_read_only_request(row))


def name_kinds(config: Config) -> dict[str, str]:
    """The kind of each check of a configuration, by its name."""
    return {check.label: check.kind for check in config.verify}


def find_saying(requests: Iterable[CheckedRequest], reason: str | None, *, kinds: Mapping[str, str]) -> Saying | None:
    """What tells why a pair was dropped for a reason, if a check does. `kinds` has the kind of each check by name; one
    that it lacks is named by its kind."""
    kind, lead = _LEADS.get(reason or "", ("", ""))
    of_kind = [each for each in requests if kind and kinds.get(each.check, each.check) == kind]
    if reason == "single_page_suffices":
        alone = [each for each in of_kind if each.page is not None and each.score is not None]
        of_kind = sorted(alone, key=lambda each: each.score or 0.0)[-1:]
    else:
        of_kind = [each for each in of_kind if each.page is None]
    said = " | ".join(told for each in of_kind if (told := each.describe_reply()))
    return Saying(lead.format(page=of_kind[0].page), said) if said else None


def _read_request(row: Mapping[str, Any]) -> CheckedRequest:
    reply = row["reply"]
    ratings = tuple(Rating(each["criterion"], each["rating"], each["reason"] or "") for each in row["ratings"] or ())
    told = {name: row[name] for name in _FIELDS} | {"model": row["model"] or "", "ratings": ratings}
    return CheckedRequest(**told | {"reply": reply and (read_answer(reply, finish_reason="stop") or reply)})


def _read_only_request(row: Mapping[str, Any]) -> Iterator[CheckedRequest]:
    """The request of a run in which `verify` was one check, which its table does not name."""
    scores = {name: score for name in ("round_trip", "fluency") if (score := row.get(name)) is not None}
    if scores or row["reply"] is not None or row["reason"] is not None:
        check = next(iter(scores), "round_trip")
        told = {name: row[name] for name in ("reply", "reason", "detail")}
        yield CheckedRequest(check, **told, score=scores.get(check))
