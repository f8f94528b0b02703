"""Sentences become questions, or nothing."""

from __future__ import annotations

import pytest

from docmatix.prompting.questions.sentences.question_templates import find_template
from docmatix.prompting.questions.sentences.template import Template


def list_questions(template: Template | None) -> list[str]:
    if template is None:
        return []
    counts = range(template.required, len(template.pieces) + 1)
    return [" ".join((opening, *template.pieces[:k])) + "?" for opening in template.openings for k in counts]


def ask(context: str, answer: str, kind: str) -> list[str]:
    return list_questions(find_template(answer, kind=kind, context=context))


@pytest.mark.parametrize(
    ("context", "answer", "kind", "question"),
    [
        ("The library was founded in May 1974 by Ann Hughes.", "May 1974", "date", "When was the library founded?"),
        (
            "The library was founded in May 1974 by Ann Hughes.",
            "Ann Hughes",
            "person",
            "By whom was the library founded?",
        ),
        ("In 2015, the firm was sold to Bright Ltd.", "2015", "date", "When was the firm sold to Bright Ltd?"),
        ("In 2015 the firm was sold to Bright Ltd.", "2015", "date", "When was the firm sold to Bright Ltd?"),
        ("The firm acquired Bright Ltd in 2015.", "2015", "date", "When did the firm acquire Bright Ltd?"),
        (
            "Patented in 1868 by Ann Sholes, the typewriter changed work.",
            "1868",
            "date",
            "When was the typewriter patented?",
        ),
        ("The fund was closed in 2001 and reopened in 2005.", "2005", "date", "When was the fund reopened?"),
        (
            "The application has to reach the council by 18 October.",
            "18 October",
            "date",
            "By when does the application have to reach the council?",
        ),
        ("The tower has 12 floors and a roof garden.", "12", "number", "How many floors does the tower have?"),
        (
            "The nut consists of two parts: a case and a key.",
            "two",
            "number",
            "How many parts does the nut consist of?",
        ),
        ("Eleven people were hurt in the fire.", "Eleven", "number", "How many people were hurt in the fire?"),
        ("There are 14 lakes in Dunmore County.", "14", "number", "How many lakes are there in Dunmore County?"),
        (
            "The margin of error is 0.8 percentage points.",
            "0.8 percentage points",
            "percent",
            "What is the margin of error?",
        ),
        (
            "Trees now shade 24.2 percent of Fallbrook, more than before.",
            "24.2 percent",
            "percent",
            "What percentage of Fallbrook do trees now shade?",
        ),
        (
            "The tree department spent $1.9 million in 2023.",
            "$1.9 million",
            "amount",
            "How much did the tree department spend in 2023?",
        ),
        (
            "Docling is a toolkit for reading documents.",
            "a toolkit for reading documents",
            "definition",
            "What is Docling?",
        ),
        ("The rain garden needs a permit, which takes weeks.", "a permit", "object", "What does the rain garden need?"),
        (
            "It uses Optical Character Recognition (OCR) first.",
            "Optical Character Recognition",
            "acronym",
            "What does OCR stand for?",
        ),
        (
            "In 2009, the council identified eight types of payment.",
            "2009",
            "date",
            "When did the council identify eight types of payment?",
        ),
        (
            "The council identified eight types of payment.",
            "eight",
            "number",
            "How many types of payment did the council identify?",
        ),
        (
            "In 2019, the ferry accounted for 2.7% of the trips.",
            "2019",
            "date",
            "When did the ferry account for 2.7% of the trips?",
        ),
        (
            "The ferry accounted for 2.7% of the trips.",
            "2.7%",
            "percent",
            "For what percentage of the trips did the ferry account?",
        ),
        ("The members agreed the terms in May 2010.", "May 2010", "date", "When did the members agree the terms?"),
        (
            "Bright recently bought 75% of Dunmore, the fifth largest shop.",
            "75%",
            "percent",
            "What percentage of Dunmore did Bright recently buy?",
        ),
        (
            "The club has five dryers, not six, in its laundry room.",
            "five",
            "number",
            "How many dryers does the club have?",
        ),
        ("However, the storm of 2019 felled 212 trees.", "212", "number", "How many trees did the storm of 2019 fell?"),
    ],
)
def test_a_sentence_is_turned_into_the_question_its_answer_answers(
    context: str, answer: str, kind: str, question: str
) -> None:
    assert question in ask(context, answer, kind)


@pytest.mark.parametrize(
    ("context", "answer", "kind", "why"),
    [
        ("It was founded in May 1974 by Ann Hughes.", "May 1974", "date", "a pronoun"),
        ("This bridge was opened in 1974.", "1974", "date", "a demonstrative"),
        ("The bridge holds more than 30 tonnes of load.", "30", "number", "a bound"),
        ("The bridge carries up to 30 cars.", "30", "number", "a bound"),
        ("The lamps were bought at 43 pounds each.", "43 pounds", "amount", "a rate"),
        ("The meadow was planted with 700 willows and alders.", "700", "number", "a sum of two things"),
        ("Data collected in 2015 were used in the study.", "2015", "date", "a participle for a verb"),
        ("The fair was held from 2010 to 2012.", "2010", "date", "half a stretch of time"),
        ("The fair of 2010 and the fair of 2010 were held.", "2010", "date", "twice there"),
        ("A teller sees only the last four digits of a number.", "four", "number", "a definite phrase"),
        ("The firm (founded in 1999) was sold in May.", "1999", "date", "brackets"),
        ("The report was not finished in 2015.", "2015", "date", "a negation"),
        ("Some 737 MAX airplanes were delivered.", "737", "number", "a name"),
        ("Membranes are covered for 12 months, provided that the feed is clean.", "12", "number", "a condition"),
        ("Membranes are covered for 12 months unless the feed is salty.", "12", "number", "a condition"),
        ("The lake has two boats, except in winter.", "two", "number", "an exception"),
        ("The club only paid $40 for the boat in May.", "$40", "amount", "a restriction"),
        ("The firm employs 340 people who work in Kent.", "340", "number", "a restriction that is cut away"),
        ("The kit has 12 parts that fit the old model.", "12", "number", "a restriction that is cut away"),
        ("Forty percent of the samples were not sold or were unknown.", "Forty percent", "percent", "an alternative"),
        ("In 2004 the city kept the ferry; 54 people crossed the river.", "54", "number", "its date is elsewhere"),
        ("In early 1990, Finland went into a deep depression.", "1990", "date", "a piece of a date"),
        ("The city is smaller than Leeds and has 40 shops.", "40", "number", "a comparison that is cut away"),
        ("About 3% seriously considered leaving the club.", "3%", "percent", "of whom is not said"),
        ("About 9% of the homes lost more than 10% and 2% lost half of their worth.", "9%", "percent", "an ellipsis"),
        ("The population of the island is about 26 000 inhabitants.", "26 000", "number", "no measure is counted"),
        ("The funding is 2%, roughly EUR 20 million of the whole.", "2%", "percent", "what it is a share of"),
        ("The car has 100% test coverage.", "100%", "percent", "a compound"),
        ("Beatrice Lang showed the plan for eight raised beds.", "eight", "number", "a phrase of the noun"),
        ("Therefore in broad terms the aid covers 1% of the cost.", "1%", "percent", "an opening without its comma"),
        ("The second group spent $40 on the boat.", "$40", "amount", "a subject that leans on the text before it"),
        ("Wipe up spilled water at once.", "water at once", "object", "an order"),
        ("Groups apply for training based on their needs.", "their needs", "object", "a participle for a verb"),
        ("Minor changes made by Ann Hughes for the club.", "Ann Hughes", "person", "a participle for a verb"),
        ("All errors must be excluded from the sum.", "the sum", "object", "a participle for a verb"),
        ("The text search returns garbled letters.", "letters", "object", "a participle for a verb"),
        ("If the pump is a new model, call us.", "a new model", "definition", "a clause of another"),
        ("Own shops provide 6% of the market and others 8%.", "6%", "percent", "two shares"),
        ("The members shall (a) pay $40 in May and (b) leave.", "$40", "amount", "items of a list"),
        ("In 2003, Cope began a plan which was based on maps.", "2003", "date", "a restriction that is cut away"),
        ("The state pays 55 percent and the city the rest.", "55 percent", "percent", "what it is a share of"),
        ("The routines adapted from a tool by Ann Hughes.", "Ann Hughes", "person", "a participle for a verb"),
        ("Three dots is up two levels of the tree.", "Three", "number", "a plural with a singular verb"),
        ("The last is the first shop in Finland.", "Finland", "place", "an ordinal alone"),
        ("Own shops are growing with sales of 17% in 1997.", "1997", "date", "a state in the present"),
    ],
)
def test_a_sentence_that_cannot_be_turned_safely_is_left_alone(context: str, answer: str, kind: str, why: str) -> None:
    assert ask(context, answer, kind) == [], why


def test_no_question_goes_past_the_clause_of_its_answer() -> None:
    questions = ask("The chapel was built in 1911, when the mine that fed the town was closed.", "1911", "date")
    assert questions == ["When was the chapel built?"]


def test_a_verb_with_two_possible_spellings_is_left_to_the_model() -> None:
    questions = ask("The team phoned 40 clubs in Kent.", "40", "number")
    assert {"How many clubs did the team phon in Kent?", "How many clubs did the team phone in Kent?"} == {*questions}
