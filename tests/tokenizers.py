"""A real tokenizer for tests: byte-level BPE of 400 entries, trained in a few milliseconds."""

from __future__ import annotations

from functools import lru_cache

from docmatix.models.tokenizer import Vocabulary

PROSE = "The committee met on Monday and agreed that the new bridge should be opened before the summer holidays. "


@lru_cache
def train_tokenizer(*, size: int = 400) -> bytes:
    """The content of a `tokenizer.json`. It says, as some published ones do, that texts are cut and filled up."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([PROSE] * 5, trainer)
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    return tokenizer.to_str().encode()


def train_vocabulary() -> Vocabulary:
    return Vocabulary.read(train_tokenizer())
