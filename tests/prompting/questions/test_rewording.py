"""Questions from facts in a model's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from docmatix.core.pairs import Reply
from docmatix.models.openai import OpenaiEngine
from docmatix.prompting.planned_requests import plan_rewordings, read_pairs
from docmatix.prompting.prompt_files import load_prompts
from docmatix.prompting.questions.question import FactQuestion
from docmatix.prompting.questions.rewording import accept_rewording, can_be_reworded
from docmatix.prompting.windows import Window
from tests.prompting.questions.pages import ask, make_fact, make_grid, make_page

TABLE = make_grid([["Basin", "Mean depth of water"], ["North", "4.5 m"], ["South end", "7 m"]])
PAGE = make_page([make_fact("title", "", "Survey of basins")], [TABLE])


def depth() -> FactQuestion:
    return next(one for one in ask(PAGE) if one.answer == "4.5 m")


@pytest.mark.parametrize(
    ("said", "accepted"),
    [
        ("How much is the mean depth of water in North?", True),
        ("For North, what mean depth of water was found?", True),
        ("How deep is North?", False),
        ("What is the mean depth of water?", False),
        ("Is the mean depth of water of North 4.5 m?", False),
        ("The mean depth of water of North.", False),
        ("", False),
    ],
)
def test_a_rewording_keeps_every_text_that_is_asked_by_and_gives_nothing_away(said, accepted):
    assert accept_rewording(depth(), said) is accepted


def test_only_what_its_texts_determine_is_reworded():
    assert can_be_reworded(depth())
    assert not can_be_reworded(next(one for one in ask(PAGE) if one.kind == "title"))


@pytest.mark.parametrize("reply", ["How much is the mean depth of water in North?", "How deep is it?", "", "I cannot."])
def test_a_question_that_a_model_spoils_stays_as_it_was(reply):
    asked, prompt = depth(), load_prompts(["reword"], [Path("prompts")])["reword"]
    engine = OpenaiEngine(kind="openai", model="m", base_url="http://host/v1", context_tokens=2048)
    window = Window("d-1", "d", (PAGE,))
    (ask_,) = plan_rewordings(window, [asked], prompt, engine=engine, seed=0, language="en")
    assert asked.question in ask_.request.messages[-1].content
    answer = Reply(ask_.request.request_id, reply, "m", "stop", 1, 1)
    (pair,), malformed = read_pairs(ask_, answer)
    assert pair.question == (reply if reply.startswith("How much") else asked.question)
    assert (pair.answer, pair.evidence, pair.kind, pair.prompt) == ("4.5 m", asked.evidence, "cell", "reword")
    assert not malformed
