"""Names and words of strangers on the terminal: they steer nothing, forge no line, and hide nothing from the eye."""

from __future__ import annotations

import asyncio
import io
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from docmatix.cli import main
from docmatix.cli.output import run_to_exit_code
from docmatix.core.errors import BuildError, SetupError
from docmatix.driver.progress import Progress
from docmatix.models.preflight import check_server
from docmatix.review.dropped_items import Dropped, DroppedItems
from docmatix.review.status import describe_status
from docmatix.storage.patience import Attempts, Patience
from docmatix.storage.run import Run
from tests.jobs import FakeClient, build, make_job
from tests.pdfs import write_pdf

FORGED = "FORGED: the run is sound."
BIDI, ZERO_WIDTH, TAG, ESCAPE = "\u202e", "\u200b", "\U000e0041", "\x1b[2K\x1b[1A"
EVIL = f"a\n{FORGED}\r{ESCAPE}\u2028{BIDI}fdp.{ZERO_WIDTH}{TAG}\x9b31m\x85\u2066"
ANSWERS = {"Who was it": "Alice Grant", "When was it": "1961"}
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def require_harmless(shown: str) -> None:
    """Nothing but line ends of our own, and no line that a stranger wrote the beginning of."""
    assert shown
    left = {character for character in shown if unicodedata.category(character) in STEERING and character != "\n"}
    assert not left, sorted(map(ascii, left))
    assert not any(line.lstrip().startswith(FORGED) for line in shown.splitlines())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run over a PDF and a broken file whose names attack, with a model that attacks as well."""

    def reply(request: Any) -> str:
        pairs = [{"question": f"{asked} {EVIL}?", "answer": answer} for asked, answer in ANSWERS.items()]
        return json.dumps({"pairs": pairs})

    job = make_job(
        tmp_path_factory.mktemp("hostile"),
        pdfs={f"{EVIL}.pdf": write_pdf("The bridge was opened by Alice Grant in May 1961."), f"b{EVIL}.pdf": b"no PDF"},
        curate={"filters": [{"kind": "length", "max_answer_chars": 5}]},
        pack={"dpi": 36},
    )
    build(job, client=FakeClient(reply))
    return job.run


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect"],
        ["inspect", "--pairs"],
        ["inspect", "--dropped", "-n", "50"],
        ["inspect", "--dropped", EVIL],
        ["status"],
        ["check"],
    ],
)
def test_a_file_whose_name_forges_lines_is_shown_in_one(
    hostile: Run, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    verb, *options = arguments
    main([verb, hostile.root, *options])
    said = capsys.readouterr()
    require_harmless(said.out + said.err)
    if "50" in options:
        assert "b" + EVIL.encode("unicode_escape").decode() + ".pdf" in said.out


def test_what_lies_in_a_run_and_belongs_to_nothing_is_told_of_in_one_line(
    hostile: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"dataset/data/{EVIL.replace('/', '')}.parquet"
    hostile.write(name, b"x")
    try:
        assert main(["check", hostile.root]) == 1
    finally:
        hostile.remove(name)
    said = capsys.readouterr().out
    require_harmless(said)
    assert len(said.splitlines()) == 2


def test_records_of_a_hostile_run_forge_no_line_of_its_status(own_run: Run) -> None:
    """Reasons, models, hosts and why a build stopped, as written by a stranger."""
    for name in own_run.names("curate"):
        if name.endswith(".json"):
            record = json.loads(own_run.read(f"curate/{name}"))
            for line in record["ledger"]:
                line["dropped"] = {f"{reason}{EVIL}": count for reason, count in line["dropped"].items()}
            own_run.write(f"curate/{name}", json.dumps(record).encode())
    stopped = {
        "started": 1.0,
        "host": EVIL,
        "process": EVIL,
        "seconds": 1.0,
        "stages": {},
        "serving": [{"model": EVIL, "replicas": [{"state": EVIL}], "restarts": {EVIL: 1}}],
        "stopped": EVIL,
    }
    own_run.write("telemetry/20300101T000000-abcdef.json", json.dumps(stopped).encode())
    own_run.remove("dataset/README.md")
    shown = describe_status(own_run)
    require_harmless(shown)
    assert "\\u202efdp" in shown


def test_a_line_of_progress_stays_one_line() -> None:
    stream = io.StringIO()
    Progress(stream).say(f"extract   at {EVIL}")
    require_harmless(stream.getvalue())
    assert len(stream.getvalue().splitlines()) == 1


def test_a_line_about_a_store_stays_one_line(caplog: pytest.LogCaptureFixture) -> None:
    attempts = Attempts(f"s3://bucket/{EVIL}.pdf", Patience(sleep=lambda seconds: None))
    for _ in range(4):
        attempts.wait(ConnectionError(EVIL))
    (record,) = caplog.records
    require_harmless(record.getMessage())
    assert len(record.getMessage().splitlines()) == 1


async def ask_hostile_server(body: dict[str, Any], *, status: int) -> str:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    application = web.Application()
    application.router.add_get("/v1/models", answer)
    async with TestServer(application) as server:
        with pytest.raises(SetupError) as caught:
            await check_server([str(server.make_url("/v1"))], model="m", timeout_s=5, patience_s=0)
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"message": EVIL, "type": BIDI, "code": TAG}}, 401),
        ({"detail": EVIL}, 500),
        ({"data": [{"id": EVIL}, {"id": "other", "aliases": [EVIL]}]}, 200),
    ],
)
def test_what_a_model_server_says_is_told_in_one_line(
    body: dict[str, Any], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    error = SetupError(asyncio.run(ask_hostile_server(body, status=status)))
    require_harmless(show_failure(error, capsys))


def show_failure(error: Exception, capsys: pytest.CaptureFixture[str]) -> str:
    """What a person sees of a verb that raises it."""

    def fail() -> int:
        raise error

    assert run_to_exit_code(fail) in (1, 2)
    return capsys.readouterr().err


def test_an_error_forges_no_second_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", f"{tmp_path}/{EVIL}"]) == 2
    shown = capsys.readouterr().err
    require_harmless(shown)
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize("notes", [True, False])
def test_the_trace_of_a_bug_is_set_off_and_steers_nothing(notes: bool, capsys: pytest.CaptureFixture[str]) -> None:
    error: Exception = BuildError("It failed.") if notes else ValueError(f"https://me:canary@h/ {EVIL}")
    if notes:
        error.add_note(f"Traceback:\n{EVIL}")
    shown = show_failure(error, capsys)
    require_harmless(shown)
    first, *rest = shown.splitlines()
    assert first.startswith("docmatix: ")
    assert rest
    assert all(line.startswith("  | ") for line in rest)
    assert "canary" not in shown


class HostileDroppings(DroppedItems):
    """One dropped document and one dropped pair, of a stranger's run."""

    def __init__(self, reason: str | None) -> None:
        self.reason = reason

    def _read(self, *, replies: bool) -> Iterator[Dropped]:
        pair = {"question": EVIL, "answer": EVIL, "asked": EVIL, "said": EVIL}
        yield Dropped(EVIL, EVIL, EVIL, EVIL)
        yield Dropped("curate", EVIL, f"Q {EVIL}", EVIL, pair=pair)


@pytest.mark.parametrize("reason", [None, EVIL])
def test_what_was_dropped_shows_itself_without_forged_lines(reason: str | None) -> None:
    require_harmless(repr(HostileDroppings(reason)))


def test_a_name_of_bytes_that_are_no_text_can_be_printed() -> None:
    """Python holds them as lone surrogates, at which printing raised UnicodeEncodeError."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="utf-8")
    Progress(stream).say("at \udcff.pdf")
    assert written.getvalue() == b"at \\udcff.pdf\n"
