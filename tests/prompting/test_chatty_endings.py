"""What a model says to its reader after the last pair is no part of the answer."""

from __future__ import annotations

import pytest

from docmatix.prompting.chatty_endings import leave_out_ending
from docmatix.prompting.replies import parse_reply

ENDINGS = [
    "I hope this helps!",
    "Hope these questions are useful.",
    "I hope you find these pairs helpful. Let me know if you need more!",
    "Let me know if you need more.",
    "Please let me know whether you'd like me to adjust anything.",
    "Feel free to ask for more questions.",
    "If you need further questions, just let me know!",
    "If you have any other documents, I'd be happy to help.",
    "Would you like me to generate more pairs?",
    "Is there anything else I can help with?",
    "These questions cover the main points of the page.",
    "**I hope this helps!**",
    "---\n\nLet me know if you need anything else.",
    "I hope this helps!\n\nLet me know if you need more.",
    "Ich hoffe, das hilft!",
    "Lassen Sie mich wissen, falls Sie weitere Fragen brauchen.",
    "Gib mir gerne Bescheid, wenn du mehr brauchst.",
    "Falls du noch weitere Paare brauchst, sag es mir.",
    "Möchten Sie, dass ich weitere Fragen erstelle?",
    "J'espère que cela vous aidera !",
    "J’espère que ces questions vous seront utiles.",
    "N'hésitez pas à me demander d'autres questions.",
    "Faites-moi savoir si vous en voulez plus.",
    "Si vous avez besoin d'autres questions, dites-le-moi.",
    "Espero que esto te ayude.",
    "¡Espero que estas preguntas sean útiles!".removeprefix("¡"),
    "Avísame si necesitas más preguntas.",
    "No dudes en pedirme más.",
    "¿Quieres que genere más preguntas?",
    "Spero che queste domande ti siano utili!",
    "Fammi sapere se ti serve altro.",
    "Non esitare a chiedere altre domande.",
    "Se hai bisogno di altre domande, chiedi pure.",
]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("format", ["pairs_text", "pairs_json"])
def test_an_ending_is_left_out_of_the_last_answer(ending: str, format: str) -> None:
    content = f"Q1: Who?\nA1: Ann\n\nQ2: When?\nA2: 12 March\n\n{ending}\n"
    pairs, malformed = parse_reply(content, format=format, finish_reason="stop")
    assert [pair.answer for pair in pairs] == ["Ann", "12 March"]
    assert not malformed


KEPT = [
    "12 March\n\n14 April",
    "12 March\nI hope this helps!",  # no paragraph of its own
    "12 March\n\nHope Street is closed then.",
    "12 March\n\nIf you pay later, a fee of $5 is due.",
    "12 March\n\nDo not park here.",
    "12 March\n\nAll questions to the tenant's office.",
    "Feel free to call 555-0100.",
    "Let me know if you need more.\n\nYours, Ann",
    "12 März\n\nWenn Sie später zahlen, wird eine Gebühr fällig.",
    "12 mars\n\nSi vous payez plus tard, des frais sont dus.",
    "12 de marzo\n\nSi paga más tarde, se cobra una tasa.",
    "12 marzo\n\nSe paghi più tardi, è dovuta una tassa.",
    "12 March\n\n" + "I hope this matter is settled. " * 20,
]


@pytest.mark.parametrize("answer", KEPT)
def test_an_answer_keeps_its_own_paragraphs(answer: str) -> None:
    assert leave_out_ending(answer) == answer


def test_only_the_last_answer_has_an_ending() -> None:
    content = "Q1: How does it end?\nA1: Dear Ann,\n\nI hope this helps!\n\nQ2: When?\nA2: 12 March"
    pairs, _ = parse_reply(content, format="pairs_text", finish_reason="stop")
    assert pairs[0].answer == "Dear Ann,\n\nI hope this helps!"
