"""What `docmatix inspect` prints: samples, pairs and what was dropped, with pictures where the terminal has them."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from docmatix.cli import main
from docmatix.core.errors import SetupError
from docmatix.core.pairs import Failure, Pair, Scores
from docmatix.review.collection import Collection
from docmatix.review.comparison import Change, Comparison, SidesOfSample
from docmatix.review.displays import Pictured, Shown
from docmatix.review.dropped_items import Dropped, DroppedItems
from docmatix.review.filter_trial import Change as TrialChange
from docmatix.review.filter_trial import Trial
from docmatix.review.inspection import PictureOutput, choose_output, detect_protocol, encode_for_terminal
from docmatix.review.samples import describe_pair, describe_row
from docmatix.review.source_pages import Place
from tests.jobs import FakeClient, build, make_job
from tests.pdfs import write_distinct_pdf
from tests.review.datasets import encode_image, make_docmatix_row, write_dataset

# --- as text ----------------------------------------------------------------------------------------------------------

DOCMATIX_ROW: dict[str, Any] = {"texts": [{"user": "Who is it?", "assistant": "Ada", "source": "PDFA key: 7"}]}


def test_a_row_is_described_with_its_place_and_evidence(finished_run):
    row = next(Collection(str(finished_run)).rows(images=False))
    text = describe_row(row)
    assert text.startswith(f"{row['source_uri']}, page 1\n  Q  {row['texts'][0]['user']}\n  A  ")
    assert "[page 1, grounding 1.00, broad_whole]" in text


def test_a_row_of_the_published_docmatix_is_described_too():
    assert describe_row(DOCMATIX_ROW) == "PDFA key: 7\n  Q  Who is it?\n  A  Ada"


def test_pairs_are_numbered_as_their_boxes_are():
    row = {"texts": DOCMATIX_ROW["texts"] * 12}
    lines = describe_row(row, numbered=True).splitlines()
    assert lines[1:3] == [" 1 Q Who is it?", "  A  Ada"]
    assert lines[23] == "12 Q Who is it?"


def test_a_pair_is_described_with_its_source():
    pair = {"question": "Who is it?", "answer": "Ada", "source_uri": "docs/a.pdf", "page_numbers": None}
    assert describe_pair(pair) == "  Q  Who is it?\n  A  Ada\n     docs/a.pdf"


def test_long_texts_are_wrapped_to_the_width():
    pair = {"question": "why " * 50, "answer": "so " * 50, "source_uri": "a"}
    assert max(len(line) for line in describe_pair(pair, width=40).split("\n")) <= 40


@given(st.text())
def test_no_text_steers_the_terminal(text):
    pair = {"question": f"\x1b]0;{text}", "answer": f"\x9b2J{text}", "source_uri": f"\x1b[2J{text}"}
    row = {"texts": [{"user": text, "assistant": "\x1b[1m", "source": text}]}
    shown = describe_pair(pair) + describe_row(row) + Dropped("generate", "a", text, f"\x07{text}").describe()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)


class HostileDroppings(DroppedItems):
    """Drops of a run whose every text would steer the terminal."""

    def __init__(self, text: str, reason: str | None) -> None:
        self.text, self.reason = text, reason

    def _read(self, *, replies: bool) -> Iterator[Dropped]:
        return iter([Dropped("curate", f"\x1b[2J{self.text}", f"\x9b2J{self.text}", f"\x07{self.text}")])


@given(st.text())
def test_nothing_that_shows_itself_steers_the_terminal(text):
    evil = f"\x1b]0;{text}\x9b2J"
    pair = {"question": evil, "answer": evil, "source_uri": evil, "prompt": evil}
    comparison = Comparison(
        names=(evil, evil),
        counts={(evil, evil): (1, 1)},
        shared=1,
        only_left=1,
        only_right=0,
        changes=(Change(pair, evil, evil),),
        samples=(SidesOfSample(evil, (1,), (pair,), (pair,)),),
        differing=1,
    )
    change = TrialChange(
        pair=Pair("id", "request", evil, evil, evil, evil, evil),
        scores=Scores(),
        evidence=(),
        source_uri=evil,
        place=Place(0, 0, "id", (1,)),
        before="kept",
        after=evil,
    )
    job: Any = None
    trial = Trial(job, (change,), documents=1, total=1, unknown=(evil,))
    for shown in (comparison, trial, Shown("", evil), HostileDroppings(text, None), HostileDroppings(text, evil)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", repr(shown))


def test_a_collection_of_hostile_rows_does_not_steer_the_terminal(tmp_path):
    text = {"user": "\x1b[2J", "assistant": "\x9b2J", "source": "\x1b]0;x\x07"}
    folder = tmp_path / "\x1b[2J"
    folder.mkdir()
    (folder / "a.parquet").write_bytes(write_dataset([{"images": [], "texts": [text]}]))
    collection = Collection(str(folder))
    for shown in (collection, collection[:], collection[0]):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", repr(shown))


# --- pictures in a terminal -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "240800"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, "iterm2"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "dumb"}, None),
        ({}, None),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, None),
        ({"TERM": "screen.xterm-256color", "LC_TERMINAL": "iTerm2"}, None),
    ],
)
def test_a_terminal_is_known_by_its_environment(environment, protocol):
    assert detect_protocol(environment) == protocol


def test_pictures_are_shown_unasked_only_on_a_terminal_that_can():
    kitty = {"TERM": "xterm-kitty"}
    assert choose_output("auto", environment=kitty, is_terminal=True, columns=200) == PictureOutput("kitty", columns=60)
    assert not choose_output("auto", environment=kitty, is_terminal=False, columns=80).wanted
    assert not choose_output("auto", environment={}, is_terminal=True, columns=80).wanted
    assert not choose_output("never", environment=kitty, is_terminal=True, columns=80).wanted
    assert choose_output("iterm2", environment={}, is_terminal=False, columns=40) == PictureOutput("iterm2", columns=38)


def test_a_file_is_no_place_for_pictures(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"or a folder; .* is a file"):
        choose_output(str(tmp_path / "file"), environment={}, is_terminal=False, columns=80)


def open_kitty(text: str) -> Image.Image:
    """The picture that kitty would show: what the sequences carry, put together by the rules of its protocol."""
    chunks = re.findall("\x1b_G([^;]*);([^\x1b]*)\x1b\\\\", text)
    assert "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in chunks) == text
    first, *others = (dict(part.split("=") for part in keys.split(",")) for keys, _ in chunks)
    assert (first["a"], first["f"], first["c"]) == ("T", "100", "30")
    assert [part["m"] for part in (first, *others)] == ["1"] * len(others) + ["0"]
    assert all(len(data) <= 4096 and len(data) % 4 == 0 for _, data in chunks)
    return Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in chunks))))


@pytest.mark.parametrize("side", [1, 300])
def test_kitty_is_sent_the_picture_in_chunks(side):
    picture = Image.effect_noise((side, side), 90).convert("RGB")
    shown = open_kitty(encode_for_terminal(picture, "kitty", columns=30))
    assert shown.format == "PNG"
    assert shown.convert("RGB").tobytes() == picture.tobytes()


def test_iterm2_is_sent_the_picture_in_one_piece():
    picture = Image.new("RGB", (40, 30), "red")
    match = re.fullmatch(
        "\x1b]1337;File=inline=1;size=(\\d+);width=30;preserveAspectRatio=1:([^\x07]*)\x07",
        encode_for_terminal(picture, "iterm2", columns=30),
    )
    assert match is not None
    data = base64.b64decode(match[2])
    assert len(data) == int(match[1])
    assert Image.open(io.BytesIO(data)).size == (40, 30)


def test_a_file_of_a_picture_never_leaves_its_folder(tmp_path):
    output = PictureOutput(folder=tmp_path / "pictures")
    (line,) = output.show([Pictured(3, encode_image("white"))], name="../../etc/passwd")
    assert Path(line.strip()) == tmp_path / "pictures" / "______etc_passwd-3.png"
    assert [path.name for path in tmp_path.rglob("*.png")] == ["______etc_passwd-3.png"]
    number: Any = "/../../../etc/3"
    (line,) = output.show([Pictured(number, encode_image("white"))], name="a")
    assert Path(line.strip()).parent == tmp_path / "pictures"
    assert len(list(tmp_path.rglob("*.png"))) == 2


# --- the verb ---------------------------------------------------------------------------------------------------------


def inspect(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["inspect", *options]) == 0
    return capsys.readouterr().out


def test_samples_are_printed_without_pictures_where_output_is_not_a_terminal(finished_run, capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-kitty")
    shown = inspect(capsys, str(finished_run), "-n", "2")
    assert "\x1b" not in shown
    assert shown.count(", page") >= 2
    assert "\n\n" in shown


def test_samples_are_printed_after_their_pages(finished_run, capsys):
    shown = inspect(capsys, str(finished_run), "-n", "1", "--pictures", "kitty")
    sequences, text = shown.rsplit("\x1b\\", 1)
    assert sequences.startswith("\x1b_Ga=T,")
    assert text.strip().startswith("docs/")
    assert " 1 Q " in text


def test_pictures_go_to_a_folder_where_one_is_given(finished_run, capsys, tmp_path):
    folder = tmp_path / "pictures"
    shown = inspect(capsys, str(finished_run), "-n", "99", "--pictures", str(folder))
    pages = [(row["sample_id"], number) for row in Collection(str(finished_run)) for number in row["page_numbers"]]
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}-{number}.png" for name, number in pages)
    assert all(str(path) in shown for path in folder.iterdir())
    assert Image.open(io.BytesIO(next(folder.iterdir()).read_bytes())).width > 100


def test_a_pair_is_printed_with_the_page_of_its_evidence(finished_run, capsys, tmp_path):
    shown = inspect(capsys, str(finished_run), "--pairs", "-n", "3", "--pictures", str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 3
    assert shown.splitlines()[0] == "1."
    assert shown.count("  Q  ") == 3


def test_what_was_dropped_is_printed_with_the_page_out_of_the_source(finished_run, capsys, tmp_path):
    shown = inspect(capsys, str(finished_run), "--dropped", "-n", "9", "--pictures", str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blank-1-3.png", "duplicate-3-1.png"]
    assert "extract: not_pdf\n   docs/text.pdf" in shown
    assert inspect(capsys, str(finished_run), "--dropped", "blank") == "extract: blank\n   docs/long.pdf, page 3\n"


def test_what_the_model_made_nothing_of_is_named_by_its_source_and_shows_the_reply(tmp_path, capsys):
    pdfs = {f"{name}.pdf": write_distinct_pdf(number) for number, name in enumerate(("said", "late"))}
    job = make_job(tmp_path, pdfs=pdfs)
    late = Failure("timeout", "no reply within 600 s")
    replies: Iterator[str | Failure] = iter(["I cannot read\nthis page." + "x" * 1000, late])
    build(job, client=FakeClient(lambda request: next(replies)))
    job.run.write("generate/replies/part-00000/.half.tmp", b"PAR1")  # of a worker that was killed, or is at it
    shown = {
        reason: inspect(capsys, str(job.run.root), "--dropped", reason) for reason in ("malformed_json", "timeout")
    }
    (unread,) = (uri for uri in ("docs/said.pdf", "docs/late.pdf") if uri in shown["malformed_json"])
    (lost,) = {"docs/said.pdf", "docs/late.pdf"} - {unread}
    assert shown["malformed_json"] == (
        f"generate: malformed_json\n   {unread}, page 1\n   the model said: I cannot read this page.{'x' * 276}...\n"
    )
    assert shown["timeout"] == f"generate: timeout\n   {lost}, page 1\n   no reply within 600 s\n"


def test_what_was_dropped_is_drawn_by_seed(finished_run, capsys):
    collection = Collection(str(finished_run))
    drawn = {seed: collection.dropped().sample(1, seed=seed)[0] for seed in range(8)}
    assert len(set(drawn.values())) > 1
    for seed, item in drawn.items():
        shown = inspect(capsys, str(finished_run), "--dropped", "-n", "1", "--seed", str(seed))
        assert shown == f"{item.describe()}\n"


def test_a_reason_that_nothing_was_dropped_for_is_answered_with_those_there_are(finished_run, capsys):
    shown = inspect(capsys, str(finished_run), "--dropped", "dull")
    assert shown == "Nothing was dropped for that reason; the reasons are: blank, duplicate, not_pdf.\n"


def test_the_published_docmatix_is_printed_with_its_pages(tmp_path, capsys):
    (tmp_path / "a.parquet").write_bytes(write_dataset([make_docmatix_row(0, images=2)]))
    shown = inspect(capsys, str(tmp_path), "--pictures", str(tmp_path / "pictures"))
    assert "PDFA key: 0" in shown
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["sample-0-1.png", "sample-0-2.png"]
    assert "Q  What is 0?" in inspect(capsys, str(tmp_path), "--pairs")
