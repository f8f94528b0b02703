"""A model server of known skill: by a hash of the question it answers right, half right, wrong, or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docmatix
from docmatix.evaluation.evaluating import Evaluated, evaluate_model
from docmatix.evaluation.settings import load_evaluation

Body = dict[str, Any]


def read_question(body: Body) -> str:
    """The question of a request that answers one."""
    return read_text(body).rpartition("Question: ")[2].strip()


def read_text(body: Body) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def is_blind(body: Body) -> bool:
    return "cannot see" in body["messages"][0]["content"]


def is_verdict(body: Body) -> bool:
    return "candidate answer" in body["messages"][0]["content"]


@dataclass(frozen=True)
class Skill:
    """What a server says. `answers` are those of the data set by question."""

    answers: Mapping[str, str]

    def __call__(self, body: Body) -> str:
        if is_verdict(body):
            said = read_text(body)
            reference = said.partition("<reference>")[2].partition("</reference>")[0]
            candidate = said.partition("<candidate>")[2].partition("</candidate>")[0]
            return json.dumps({"reason": "They are compared.", "rating": 3 if reference == candidate else 1})
        question = read_question(body)
        return self.guess(question) if is_blind(body) else self.answer(question)

    def answer(self, question: str) -> str:
        place, expected = draw(question), self.answers[question]
        if place < 0.4:
            return expected
        if place < 0.6:  # near enough for ANLS to count it in part
            return expected + "x" * max(1, len(expected) // 4)
        return "something else" if place < 0.9 else ""

    def guess(self, question: str) -> str:
        return self.answers[question] if draw(f"blind {question}") < 0.2 else "not answerable"


def draw(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 16**8


def list_pairs(run: Path) -> list[tuple[str, str]]:
    """Question and answer of every pair of a run, in order."""
    rows = docmatix.open(run).rows(images=False)
    return [(text["user"], text["assistant"]) for row in rows for text in row["texts"]]


def learn_skill(run: Path) -> Skill:
    return Skill(dict(list_pairs(run)))


def make_engine(base_url: str, **settings: Any) -> dict[str, Any]:
    return {"kind": "openai", "model": "scripted", "base_url": base_url, "give_up_after_s": 5, **settings}


def evaluate(path: Path | str, out: Path | str, *, config: dict[str, Any], **options: Any) -> Evaluated:
    settings, folder = load_evaluation(config)
    return evaluate_model(str(path), settings, config_dir=folder, out=out, **options)
