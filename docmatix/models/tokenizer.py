"""How many tokens a model sees in a text, and where to cut a text to fit: by the model's own tokenizer where that is
available, otherwise by an estimate that errs upwards.

The counter decides where texts are cut, hence what is asked: its `identity` is part of the fingerprint of `generate`.
"""

from __future__ import annotations

import hashlib
import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from docmatix.core.errors import SetupError
from docmatix.models.engine import Engine
from docmatix.storage.run_files import TOKENIZER_FILE

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from docmatix.storage.store import Store

SEPARATORS = ("\n\n", "\n", " ")
"""Where a text may be cut, widest gap first: between blocks, lines, words."""


class TokenCounter(Protocol):
    """A plain value that can be sent to workers."""

    def __hash__(self) -> int: ...

    @property
    def identity(self) -> str:
        """What the counts depend on: `estimate`, or the SHA-256 of the tokenizer file."""

    def count(self, text: str) -> int:
        """Tokens in `text`, without those added by a chat template."""

    def cut(self, text: str, limit: float) -> list[tuple[str, float]]:
        """Parts of `text` of at most `limit` tokens each, in order, with their token counts (or upper bounds). A text
        over the limit is cut between blocks, then lines, then words, then characters; only white space at the cuts is
        lost. A blank text has no parts."""


# --- the estimate -----------------------------------------------------------------------------------------------------

RUNS = re.compile(
    r"""(?P<word>[A-Z]?[a-z]+) | (?P<capitals>[A-Z]+) | (?P<mark>([!-/:-@\[-`{-~])\4*)
      | (?P<single>[0-9\n]|[ ](?=[0-9])|[ \t]{2,}|[\x00-\x08\x0b-\x1f\x7f])
      | (?P<accented>[\x80-\u07ff]) | (?P<wide>[\u0800-\uffff]) | (?P<astral>[\U00010000-\U0010ffff])""",
    re.VERBOSE,
)
LONG_WORD = 64
"""Words of this many characters or more are not cached."""
BLANKS = re.compile(r"[ \t]{2,}")
WHITE_SPACE = bytes(code for code in range(128) if chr(code).isspace())


def estimate_tokens(text: str) -> int:
    """Roughly how many tokens a model sees in `text`, erring upwards because a request that is too long is refused. How
    well it fits four vocabularies is in `docs/design/models.md`."""
    return math.ceil(_weigh(text))


def estimate_tokens_to(most: float, text: str) -> float:
    """`estimate_tokens`, capped at `most`; a text that is certain to reach it is not scanned."""
    # apart from white space, nothing weighs less than a run of equal marks: a quarter per character
    marks = len(text.encode().translate(None, WHITE_SPACE)) if text.isascii() else sum(map(len, text.split()))
    if marks >= 4 * most:
        return most
    return min(most, estimate_tokens(text))


def bound_tokens(text: str) -> int:
    """An upper bound on tokens, for the estimate and for tokenizers: one per byte, and one for the space that some put
    before a text. It takes a microsecond, a hundredth of the time or less that counting takes."""
    return (len(text) if text.isascii() else len(text.encode(errors="replace"))) + 1


def _weigh(text: str) -> float:
    """`estimate_tokens` before rounding: multiples of a quarter, so that sums are exact."""
    return _weigh_again(text) if len(text) < 20_000 else _weigh_words(text)


def _weigh_words(text: str) -> float:
    """Word by word, cached: pages repeat words, and 350 of them take 0.06 ms instead of 0.7."""
    if "  " in text or "\t" in text:
        text = BLANKS.sub("\n", text)  # which weighs the same
    words = f"\n{text}".replace("\n", " \n").split(" ")
    if max(map(len, words)) < LONG_WORD:
        total = sum(map(_recall_word, words))
    else:
        total = sum(_recall_word(word) if len(word) < LONG_WORD else _weigh_next_word(word) for word in words)
    return total - 1  # the newline inserted before the first word


def _weigh_next_word(word: str) -> float:
    """A word with the space before it, which counts before a digit."""
    return _weigh_runs(" " + word)


def _weigh_runs(text: str) -> float:
    total = 0.0
    for run in RUNS.finditer(text):
        length = run.end() - run.start()
        match run.lastgroup:
            case "word":
                total += 1 if length < 4 else -(-2 * length // 5)
            case "capitals":
                total += -(-length // 2)
            case "mark":
                total += -(-length // 4)
            case "single":
                total += 1
            case "accented":
                total += 1.25
            case "wide":
                total += 2
            case "astral":
                total += 4
    return total


_recall_word = lru_cache(maxsize=1 << 15)(_weigh_next_word)
_weigh_again = lru_cache(maxsize=64)(_weigh_words)
"""A page is weighed twice: whether it fits, and how many pairs to ask for."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Counts by `estimate_tokens`, whatever the model."""

    identity: str = field(default="estimate", init=False)

    def count(self, text: str) -> int:
        return estimate_tokens(text)

    def cut(self, text: str, limit: float) -> list[tuple[str, float]]:
        return _cut_by_weight(text, limit, SEPARATORS)


ESTIMATE = Estimate()


def _cut_by_weight(text: str, limit: float, separators: tuple[str, ...]) -> list[tuple[str, float]]:
    weight = _weigh(text)
    if not text.strip():
        return []
    if weight <= limit:
        return [(text, weight)]
    parts: list[tuple[str, float]] = []
    if not separators:
        # one unbroken word is cut into equal parts; a character weighs 4 at most
        step = max(1, int(limit // 4))
        cut = (text[at : at + step] for at in range(0, len(text), step))
        return [(part, _weigh(part)) for part in cut if part.strip()]
    separator, finer = separators[0], separators[1:]
    for piece in text.split(separator):
        for part, part_weight in _cut_by_weight(piece, limit, finer):
            joined = parts[-1][1] + len(separator) + part_weight if parts else math.inf
            if joined <= limit:
                parts[-1] = (parts[-1][0] + separator + part, joined)
            else:
                parts.append((part, part_weight))
    return parts


# --- the model's own tokenizer ----------------------------------------------------------------------------------------

CHARS_AT_ONCE = 100_000
"""Longer texts are tokenised in pieces, since an encoding takes about 100 bytes per token and a page may have two
million words. The price is one partly filled request per piece."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Counts by a tokenizer, opened at the first count: every worker receives the value, few of them count."""

    identity: str
    load: Callable[[], bytes] = field(repr=False, compare=False)
    """Returns the content of the `tokenizer.json`, on any worker."""

    @classmethod
    def read(cls, content: bytes) -> Vocabulary:
        """The counter for a `tokenizer.json`. Raises plain `Exception`, as the library does, if it is not one."""
        vocabulary = cls(hashlib.sha256(content).hexdigest(), partial(bytes, content))
        vocabulary.count("")
        return vocabulary

    def keep_in(self, store: Store) -> Vocabulary:
        """The same, read from the run directory, which every worker can reach: otherwise Ray's small object store would
        hold a copy of the 2 to 33 MB for every stage."""
        store.write(TOKENIZER_FILE, self.load())
        return replace(self, load=partial(store.read, TOKENIZER_FILE))

    def count(self, text: str) -> int:
        return len(_open_tokenizer(self).encode(text, add_special_tokens=False))

    def cut(self, text: str, limit: float) -> list[tuple[str, float]]:
        return [part for piece in _divide(text, CHARS_AT_ONCE) for part in self._cut_piece(piece, limit)]

    def _cut_piece(self, text: str, limit: float) -> list[tuple[str, float]]:
        """`cut` with one encoding of the whole, whose offsets show where parts end, and one per part to confirm it: a
        word apart from its neighbours may take more tokens."""
        if not text.strip():
            return []
        encoding = _open_tokenizer(self).encode(text, add_special_tokens=False)
        if len(encoding) <= limit:
            return [(text, len(encoding))]
        starts = list(accumulate((start for start, _ in encoding.offsets), max))
        parts: list[tuple[str, float]] = []
        at = _skip_space(text, 0)
        while at < len(text):
            part, end, tokens = self._take_part(text, at, starts, limit)
            parts.append((part, tokens))
            at = _skip_space(text, end)
        return parts

    def _take_part(self, text: str, at: int, starts: list[int], limit: float) -> tuple[str, int, int]:
        """The longest part from `at`, its end and its tokens; at least one character, even over the limit."""
        wanted = max(1, int(limit))
        while True:
            beyond = bisect_left(starts, at) + wanted
            end = max(at + 1, starts[beyond]) if beyond < len(starts) else len(text)
            end = _find_gap(text, at, end)
            part = text[at:end].rstrip()
            tokens = self.count(part)
            if tokens <= limit or wanted == 1:
                return part, end, tokens
            wanted = max(1, wanted - math.ceil(tokens - limit))


@lru_cache(maxsize=2)
def _open_tokenizer(vocabulary: Vocabulary) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(vocabulary.load().decode())
    # some files carry training settings that truncate or pad to 512 tokens
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _divide(text: str, most: int) -> Iterator[str]:
    at = 0
    while at < len(text):
        end = _find_gap(text, at, min(at + most, len(text)))
        yield text[at:end]
        at = end


def _find_gap(text: str, at: int, end: int) -> int:
    """The last place to cut `text` after `at` and up to `end`, at the widest kind of gap; `end` if there is no gap."""
    if end >= len(text):
        return len(text)
    for separator in SEPARATORS:
        place = text.rfind(separator, at + 1, end + len(separator))
        if place > 0:
            return place
    return end


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


# --- loading it -------------------------------------------------------------------------------------------------------


def load_tokenizer(engine: Engine, *, download: Callable[[str], Path] | None = None) -> tuple[TokenCounter, str | None]:
    """The counter for this engine, and one line for the user if it is not the expected one. `download` fetches a
    repository's `tokenizer.json` (a seam for tests). Raises SetupError if a configured tokenizer cannot be read; the
    model's own is replaced by the estimate."""
    download = download or _download
    if engine.tokenizer is not None:
        try:
            return Vocabulary.read(_find_tokenizer(engine.tokenizer, download).read_bytes()), None
        except Exception as error:  # `tokenizers` and `huggingface_hub` raise all kinds
            raise SetupError(
                f"generate.engine.tokenizer is {engine.tokenizer!r}, but no tokenizer.json can be read there"
                f" ({_shorten(error)}): correct it, or remove the key to have tokens estimated."
            ) from error
    if engine.own_tokenizer is None:
        return ESTIMATE, None
    try:
        return Vocabulary.read(_find_tokenizer(engine.own_tokenizer, download).read_bytes()), None
    except Exception as error:
        return ESTIMATE, (
            f"tokens    are estimated: the tokenizer of {engine.model_name} cannot be had ({_shorten(error)});"
            " generate.engine.tokenizer may name another place"
        )


def _find_tokenizer(place: str, download: Callable[[str], Path]) -> Path:
    path = Path(place).expanduser()
    if path.is_dir():
        return path / TOKENIZER_FILE
    if path.is_file() or place.startswith(("/", ".", "~")) or place.endswith(".json"):
        return path
    return download(place)


def _download(repository: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    try:
        # the cache first: without a network the Hub is retried for 24 s, in every build
        return Path(hf_hub_download(repository, TOKENIZER_FILE, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    quiet = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        return Path(hf_hub_download(repository, TOKENIZER_FILE))
    finally:
        if not quiet:
            enable_progress_bars()


def _shorten(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:120]}".removesuffix(": ").rstrip(".")
