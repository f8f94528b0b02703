"""Tokens: the estimate, and a real tokenizer (a small one, trained here): what they count and where they cut."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docmatix.core.errors import SetupError
from docmatix.models.engine import Engine
from docmatix.models.llamacpp import LlamacppEngine
from docmatix.models.openai import OpenaiEngine
from docmatix.models.tokenizer import (
    ESTIMATE,
    TokenCounter,
    Vocabulary,
    _weigh,
    _weigh_runs,
    bound_tokens,
    estimate_tokens,
    estimate_tokens_to,
    load_tokenizer,
)
from docmatix.models.vllm.engine import VllmEngine
from tests.tokenizers import train_tokenizer, train_vocabulary

# True counts, taken once with the vocabularies named in `estimate_tokens`; the largest of Mistral v3, Tekken and Qwen.
COUNTED = [
    ("All human beings are born free and equal in dignity and rights.", 13),
    ("Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan.", 34),
    ("| 2021-03-04 | $1,234.56 | paid |", 25),
    ("人人生而自由,在尊严和权利上一律平等。", 20),
    ("Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι", 48),
    ("يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.", 46),
]


@pytest.mark.parametrize(("text", "counted"), COUNTED)
def test_the_estimate_of_tokens_errs_upwards_but_not_without_measure(text, counted):
    assert counted <= estimate_tokens(text) <= 2.2 * counted


def test_english_prose_has_more_than_two_characters_to_an_estimated_token():
    prose = (
        "The committee met on Monday and agreed that the new bridge should be opened before the summer holidays. " * 20
    )
    assert 2.2 < len(prose) / estimate_tokens(prose) < 3.2


@given(
    st.text("aBcD 12\t\n.!,-\x7f\x0b\u00e9\u3042\U0001f600")
    | st.text()
    | st.text("ab 1", min_size=60).map(lambda s: s.replace("a", "a" * 40))
)
def test_a_text_weighs_what_its_runs_weigh_however_it_is_taken_apart(text):
    assert _weigh(text) == _weigh_runs(text)


@given(st.text("aBcD 12\t\n.!,-\x7f\x0b\u00e9\u3042\U0001f600") | st.text(), st.integers(1, 60))
def test_an_estimate_up_to_a_limit_is_the_estimate_or_the_limit(text, most):
    assert estimate_tokens_to(most, text) == min(most, estimate_tokens(text))


# --- the model's own tokenizer ----------------------------------------------------------------------------------------

SMALL = train_vocabulary()
COUNTERS = [ESTIMATE, SMALL]
TEXTS = st.text(st.sampled_from("abthe Zé7.\n\n字😀<|\t"), max_size=400)


def test_a_vocabulary_counts_as_its_tokenizer_does_however_long_the_text():
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(train_tokenizer().decode())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for text in ("", "The committee", "The committee met on Monday. " * 50, "字😀"):
        assert SMALL.count(text) == len(tokenizer.encode(text).ids)


@pytest.mark.parametrize("counter", COUNTERS)
@given(text=TEXTS)
def test_no_counter_finds_more_tokens_than_the_bound(counter, text):
    assert counter.count(text) <= bound_tokens(text)


def test_a_vocabulary_is_a_plain_value_that_is_known_by_its_file():
    copy = pickle.loads(pickle.dumps(SMALL))
    assert copy == SMALL
    assert copy.count("The committee") == SMALL.count("The committee")
    assert Vocabulary.read(train_tokenizer(size=300)).identity != SMALL.identity
    assert len(SMALL.identity) == 64
    assert ESTIMATE.identity == "estimate"


@pytest.mark.parametrize("counter", COUNTERS, ids=["estimate", "vocabulary"])
@given(text=TEXTS, limit=st.integers(6, 60))
@example(text="\u00e9\U0001f6007\t", limit=6)
def test_a_text_is_cut_into_parts_that_keep_to_the_limit_and_lose_nothing_but_white_space(
    counter: TokenCounter, text: str, limit: int
):
    parts = counter.cut(text, limit)
    assert "".join("".join(part.split()) for part, _ in parts) == "".join(text.split())
    for part, tokens in parts:
        assert part.strip()
        assert counter.count(part) <= limit
        assert tokens <= limit


@pytest.mark.parametrize("counter", COUNTERS, ids=["estimate", "vocabulary"])
def test_a_text_that_fits_is_one_part_as_it_is(counter):
    text = "  The committee\n\nmet "
    assert [part for part, _ in counter.cut(text, 100)] == [text]
    assert counter.cut(" \n ", 100) == []


@pytest.mark.parametrize("separator", ["\n\n", "\n", " "])
def test_a_vocabulary_cuts_at_the_widest_gap_there_is(separator):
    block = "alpha beta gamma" if separator != " " else "alphabetagamma"
    parts = [part for part, _ in SMALL.cut(separator.join([block] * 30), 60)]
    assert len(parts) > 1
    assert all(set(part.split(separator)) == {block} for part in parts)


def test_parts_are_filled_up_to_the_last_word_that_fits():
    parts = SMALL.cut("The committee met on Monday. " * 100, 50)
    assert all(tokens >= 40 for _, tokens in parts[:-1])


def test_a_text_without_a_gap_is_cut_between_characters():
    assert [part for part, _ in SMALL.cut("字" * 20, 9)] == ["字字字"] * 6 + ["字字"]


def test_workers_read_the_vocabulary_from_the_run_and_not_from_their_arguments(memory_run):
    kept = SMALL.keep_in(memory_run.store)
    assert kept == SMALL
    assert len(pickle.dumps(kept)) < 1000
    assert pickle.loads(pickle.dumps(kept)).load() == train_tokenizer()


class CountedVocabulary(Vocabulary):
    """Counts the characters it is given."""

    __slots__ = ()
    seen: list[int] = []  # noqa: RUF012

    def count(self, text: str) -> int:
        self.seen.append(len(text))
        return super().count(text)


def test_a_long_page_is_not_tokenised_again_for_every_cut():
    counted = CountedVocabulary(SMALL.identity, SMALL.load)
    text = "The committee met on Monday, and agreed.\n" * 5000
    parts = counted.cut(text, 300)
    assert "".join("".join(part.split()) for part, _ in parts) == "".join(text.split())
    # besides the encodings of the whole, each part is confirmed once, seldom twice
    assert sum(counted.seen) < 1.5 * len(text)


# --- finding it -------------------------------------------------------------------------------------------------------


def find_nothing(repository: str) -> Path:
    raise OSError(f"{repository} is not in the cache\nand more")


def make_vllm(model: str, **settings: str) -> VllmEngine:
    return VllmEngine(kind="vllm", model=model, **settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tokenizer.json").write_bytes(train_tokenizer())
    return tmp_path


@pytest.mark.parametrize(
    "engine",
    [LlamacppEngine(kind="llamacpp"), OpenaiEngine(kind="openai", model="m", base_url="http://a")],
    ids=["llamacpp", "openai"],
)
def test_tokens_are_estimated_unless_a_tokenizer_is_named(engine: Engine, folder: Path):
    assert load_tokenizer(engine, download=find_nothing) == (ESTIMATE, None)
    for place in (folder, folder / "tokenizer.json"):
        named = engine.model_copy(update={"tokenizer": str(place)})
        assert load_tokenizer(named, download=find_nothing) == (SMALL, None)


def test_a_tokenizer_is_fetched_from_the_hub_by_the_name_of_its_repository(folder: Path):
    asked: list[str] = []

    def download(repository: str) -> Path:
        asked.append(repository)
        return folder / "tokenizer.json"

    assert load_tokenizer(make_vllm("org/model"), download=download) == (SMALL, None)
    assert load_tokenizer(make_vllm("org/model", tokenizer="org/other"), download=download) == (SMALL, None)
    assert asked == ["org/model", "org/other"]


def test_vllm_counts_with_the_tokenizer_in_the_models_folder(folder):
    assert load_tokenizer(make_vllm(str(folder)), download=find_nothing) == (SMALL, None)


@pytest.mark.parametrize("model", ["org/model", "/no/such/folder"])
def test_vllm_without_its_models_tokenizer_estimates_and_says_so(model):
    counter, note = load_tokenizer(make_vllm(model), download=find_nothing)
    assert counter == ESTIMATE
    assert note is not None
    assert "are estimated" in note
    assert "\n" not in note


def test_a_named_tokenizer_that_cannot_be_had_is_a_mistake_in_the_set_up(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"}')
    for place in ("/no/such", "org/model", str(tmp_path)):
        with pytest.raises(SetupError, match="can be read there"):
            load_tokenizer(make_vllm("org/model", tokenizer=place), download=find_nothing)
