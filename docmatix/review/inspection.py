"""What `docmatix inspect` prints: samples, pairs and dropped items, with pictures of the pages where a terminal can.

Pictures use the protocol of kitty (also Ghostty, Konsole) or of iTerm2 (also WezTerm, mintty, VS Code), chosen by the
environment alone: querying the terminal would consume what is typed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from docmatix.core.errors import SetupError
from docmatix.core.terminal import make_printable, make_visible
from docmatix.dataset.pictures import encode_picture
from docmatix.review.displays import Pictured
from docmatix.review.samples import Sample, describe_pair, describe_row, draw_pages
from docmatix.review.source_pages import Place, mark_pages

if TYPE_CHECKING:
    from PIL.Image import Image

    from docmatix.core.documents import Refusal
    from docmatix.review.collection import Collection

Protocol = Literal["kitty", "iterm2"]

PICTURE_WIDTH_PX = 900
"""Width of a page picture: small print is legible, and a PNG is 300 kB."""

COLUMNS = 60
"""Terminal columns that a picture takes at most."""

_KITTY_CHUNK = 4096
"""Base64 bytes in one escape sequence, by kitty's protocol."""


# --- pairs as text ----------------------------------------------------------------------------------------------------


# --- pictures ---------------------------------------------------------------------------------------------------------


def detect_protocol(environment: Mapping[str, str]) -> Protocol | None:
    """How the terminal of this environment shows pictures; None if it cannot, or is behind tmux or screen, which block
    them by default."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "TMUX" in environment or "STY" in environment or term.startswith(("screen", "tmux")):
        return None
    if program in ("WezTerm", "iTerm.app", "mintty", "vscode") or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    if "KITTY_WINDOW_ID" in environment or "KONSOLE_VERSION" in environment or program == "ghostty":
        return "kitty"
    return "kitty" if term in ("xterm-kitty", "xterm-ghostty") else None


def encode_for_terminal(picture: Image, protocol: Protocol, *, columns: int) -> str:
    """The picture as escape sequences, `columns` wide."""
    if protocol == "iterm2":
        image = encode_picture(picture)
        facts = f"inline=1;size={len(image)};width={columns};preserveAspectRatio=1"
        return f"\x1b]1337;File={facts}:{base64.b64encode(image).decode()}\x07"
    data = base64.b64encode(encode_picture(picture, image_format="png")).decode()
    chunks = [data[start : start + _KITTY_CHUNK] for start in range(0, len(data), _KITTY_CHUNK)]
    # a=T: send and show; f=100: PNG; q=2: the terminal must not reply into the shell's input
    heads = [f"a=T,f=100,q=2,c={columns},", *[""] * (len(chunks) - 1)]
    return "".join(
        f"\x1b_G{head}m={int(number < len(chunks))};{chunk}\x1b\\"
        for number, (head, chunk) in enumerate(zip(heads, chunks, strict=True), 1)
    )


@dataclass(frozen=True, slots=True)
class PictureOutput:
    """Where pictures go: into the text by a protocol, or into a folder as PNG files."""

    protocol: Protocol | None = None
    folder: Path | None = None
    columns: int = COLUMNS

    @property
    def wanted(self) -> bool:
        return self.protocol is not None or self.folder is not None

    def show(self, pages: Iterable[Pictured], *, name: str) -> Iterator[str]:
        """A line for each readable page: its picture, or the file it was written to (NAME-PAGE.png)."""
        for page in pages:
            for picture in draw_pages([page], max_width_px=PICTURE_WIDTH_PX):
                if self.protocol is not None:
                    yield encode_for_terminal(picture, self.protocol, columns=self.columns)
                elif self.folder is not None:
                    self.folder.mkdir(parents=True, exist_ok=True)
                    # both are untrusted: neither may lead out of the folder
                    parts = (re.sub(r"[^A-Za-z0-9_-]", "_", str(part))[:80] for part in (name, page.number))
                    path = self.folder / f"{'-'.join(parts)}.png"
                    path.write_bytes(encode_picture(picture, image_format="png"))
                    yield f"     {make_visible(str(path))}"


def choose_output(how: str, *, environment: Mapping[str, str], is_terminal: bool, columns: int) -> PictureOutput:
    """What `--pictures` means: `auto`, `never`, a protocol by name, or a folder. Raises SetupError for a file."""
    width = max(10, min(COLUMNS, columns - 2))
    if how == "never":
        return PictureOutput()
    if how == "auto":
        return PictureOutput(protocol=detect_protocol(environment) if is_terminal else None, columns=width)
    if how in get_args(Protocol):
        return PictureOutput(protocol="kitty" if how == "kitty" else "iterm2", columns=width)
    if Path(how).exists() and not Path(how).is_dir():
        raise SetupError(f"--pictures takes auto, never, {', '.join(get_args(Protocol))} or a folder; {how} is a file.")
    return PictureOutput(folder=Path(how))


# --- the verb ---------------------------------------------------------------------------------------------------------


def print_samples(
    collection: Collection, count: int, *, seed: int, output: PictureOutput, width: int = 100
) -> Iterator[str]:
    """Blocks of text for samples drawn by seed, each after its pages."""
    for sample in collection.sample(count, seed=seed):
        lines = list(output.show(sample.read_pages(), name=_name_sample(sample))) if output.wanted else []
        yield "\n".join([*lines, describe_row(sample.row, width=width, numbered=output.wanted)])


def print_pairs(
    collection: Collection, count: int, *, seed: int, output: PictureOutput, width: int = 100
) -> Iterator[str]:
    """The same for pairs, each after the pages of its evidence."""
    for number, pair in enumerate(collection.sample_pairs(count, seed=seed), 1):
        lines = []
        if output.wanted:
            lines = list(output.show(_read_evidence(collection, pair), name=f"pair-{number}"))
        yield "\n".join([f"{number}.", *lines, describe_pair(pair, width=width)])


def print_dropped(
    collection: Collection, reason: str | None, count: int, *, seed: int, output: PictureOutput
) -> Iterator[str]:
    """The same for dropped items, each after its pages where these can be rendered from the source."""
    dropped = collection.dropped(reason)
    items = dropped.sample(count, seed=seed)
    if not items:
        reasons = make_visible(", ".join(sorted({reason for _, reason in collection.dropped().count()})))
        yield f"Nothing was dropped for that reason; the reasons are: {reasons}." if reasons else "Nothing was dropped."
        return
    refused: dict[Place, Refusal] = {}
    pages = dropped.read_pages(items, limit=count, refused=refused) if output.wanted else {}
    for number, item in enumerate(items, 1):
        found = pages.get(item.place, []) if item.place is not None else []
        found = _choose_evidence(found, item.pair) if item.pair else found
        lines = [item.describe()]
        if item.place is not None and (refusal := refused.get(item.place)) is not None:
            lines.append(f"   no picture: {_describe_refusal(refusal)}")
        yield "\n".join([*output.show(found, name=f"{item.reason}-{number}"), *lines])


def print_facts(
    collection: Collection, count: int, *, seed: int, output: PictureOutput, width: int = 100
) -> Iterator[str]:
    """The same for pages of a run, drawn among those that are usable: what was found on each."""
    found = False
    for number, page in enumerate(collection.sample_facts(count, seed=seed), 1):
        found = True
        lines = list(output.show(page.read_pages(), name=f"facts-{number}")) if output.wanted else []
        yield "\n".join([f"{number}. {make_visible(page.title)}", *lines, *page.describe(width=width)])
    if not found:
        yield "No usable page has been read yet."


def _describe_refusal(refusal: Refusal) -> str:
    if refusal.reason == "not_fetched":
        return "its source is on another machine; --fetch asks for it"
    return make_printable(f"{refusal.reason}: {refusal.detail}" if refusal.detail else refusal.reason)


def _read_evidence(collection: Collection, pair: Mapping[str, Any]) -> list[Pictured]:
    pages = collection[pair["sample"]].read_pages()
    return _choose_evidence(pages, pair) if pair.get("evidence") else pages[:1]


def _choose_evidence(pages: Sequence[Pictured], pair: Mapping[str, Any]) -> list[Pictured]:
    """The pages of a pair's evidence, or all where it has none, with its boxes only."""
    numbers = {evidence["page"] for evidence in pair.get("evidence") or ()}
    chosen = [page for page in pages if page.number in numbers] or pages
    return mark_pages(chosen, [pair])


def _name_sample(sample: Sample) -> str:
    return str(sample.row.get("sample_id") or f"sample-{sample.position}")
