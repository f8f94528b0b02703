"""A model that writes the planted pairs, answers their questions again, and rates them: truthfully, but for its noise.

Every reply is a function of the request. It knows what it is asked for by the request's words alone, as a model would.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from typing import Any

from benchmarks.planted.faults import PlantedPair

NOT_ANSWERABLE = "not answerable"
IN_A_SENTENCE = 0.25
"""How many of the second answers are one, and not the value alone."""


class PlantedModel:
    """What it says to each request about these pairs. With `rounds`, all measured numbers of second answers are rounded
    by up to two per cent."""

    def __init__(self, pairs: Sequence[PlantedPair], *, seed: int, rounds: bool = False) -> None:
        self.seed, self.rounds = seed, rounds
        self._by_question = {pair.fact.question: pair for pair in pairs}
        self._by_title: dict[str, list[PlantedPair]] = {}
        for pair in pairs:
            self._by_title.setdefault(pair.fact.title, []).append(pair)
        assert len(self._by_question) == len(pairs), "two pairs have one question"

    def reply(self, messages: Sequence[tuple[str, str]]) -> str:
        """The reply to messages of roles and texts."""
        instructions = "\n".join(text for role, text in messages if role == "system")
        asked = messages[-1][1]
        rated = re.search(r"^Question: (.*)\nAnswer: (.*)\Z", asked, re.MULTILINE | re.DOTALL)
        if rated and "exactly these keys" in instructions:
            return self._rate(rated[1], rated[2].strip(), instructions)
        question = re.search(r"^Question: (.*)\Z", asked.rstrip(), re.MULTILINE)
        if question:
            return self._answer(question[1].strip(), asked)
        return self._write(asked)

    def _write(self, asked: str) -> str:
        here = [pairs for title, pairs in self._by_title.items() if title in asked]
        written = [{"question": pair.fact.question, "answer": pair.answer} for pairs in here for pair in pairs]
        return json.dumps({"pairs": written}, ensure_ascii=False)

    def _answer(self, question: str, asked: str) -> str:
        pair = self._by_question[question]
        shown = [int(number) for number in re.findall(r'<page number="(\d+)">', asked)]
        if pair.fact.page not in shown and not (pair.guessable and not shown):
            return NOT_ANSWERABLE
        draw = random.Random(f"{self.seed} {question}")
        said = draw.choice(pair.again_rounded if self.rounds else pair.again)
        if "\n" in said or not pair.fact.sentences or draw.random() >= IN_A_SENTENCE:
            return said
        sentence = draw.choice(pair.fact.sentences)
        return sentence.format(value=said.rstrip(".") if sentence.endswith("{value}.") else said)

    def _rate(self, question: str, answer: str, instructions: str) -> str:
        """Well formed are all of them; whether they are grounded is known."""
        pair = self._by_question[question]
        draw = random.Random(f"{self.seed} rating {question}")
        right = (answer.split() == pair.fact.value.printed.split()) != pair.noisy_judge
        keys = re.search(r"exactly these keys: (.*?)\. ", instructions)
        assert keys is not None
        ratings: dict[str, Any] = {}
        for name in re.findall(r'"(\w+)"', keys[1]):
            rating = draw.choice([4, 5]) if right or name != "grounded" else draw.choice([1, 2])
            ratings[name] = {"reason": "It is so." if rating > 3 else "Another value is printed.", "rating": rating}
        return json.dumps(ratings)


def list_messages(body: dict[str, Any]) -> list[tuple[str, str]]:
    """The messages of a chat request; of one with pictures, the texts beside them."""
    found = []
    for message in body["messages"]:
        content = message["content"]
        if not isinstance(content, str):
            content = "\n".join(part.get("text", "") for part in content)
        found.append((message["role"], content))
    return found
