"""Pairs and pages that filters judge."""

from __future__ import annotations

from docmatix.core.documents import Box, Page, Word, compose_text
from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext


def make_pair(question: str = "What is the total amount?", answer: str = "$3.5 million", style: str = "extractive"):
    return Pair("p", "r", "prompt", "model", style, question, answer)


def make_page(text: str) -> Page:
    words = tuple(Word(word, Box(0.1, 0.1, 0.2, 0.2), 0, 0) for word in text.split())
    return Page(1, 612, 792, 0, 0.0, compose_text(words), words)


def judge(rule: Filter, question: str, answer: str = "42", context: FilterContext | None = None) -> str | None:
    return rule.judge(make_pair(question, answer), context or FilterContext())
