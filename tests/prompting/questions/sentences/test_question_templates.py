"""Sentences and fields become questions, or nothing."""

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


def ask_field(context: str, answer: str, label: str) -> list[str]:
    return list_questions(find_template(answer, kind="text", context=context, label=label))


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
        ("Eleven people were hurt in the fire.", "Eleven", "number", "How many people were hurt?"),
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
    ],
)
def test_a_sentence_that_cannot_be_turned_safely_is_left_alone(context: str, answer: str, kind: str, why: str) -> None:
    assert ask(context, answer, kind) == [], why


def test_no_question_goes_past_the_clause_of_its_answer() -> None:
    questions = ask("The chapel was built in 1911, when the mine that fed the town was closed.", "1911", "date")
    assert questions == ["When was the chapel built?"]


def test_a_verb_with_two_possible_spellings_is_left_to_the_model() -> None:
    questions = ask("The team sampled 40 ponds in Kent.", "40", "number")
    assert {"How many ponds did the team sampl?", "How many ponds did the team sample?"} & {*questions}


def test_a_cell_is_asked_for_by_its_column_and_row() -> None:
    row = "Item: Fender | Unit price: $64.50 | Qty: 12"
    assert "What is the unit price of Fender?" in ask_field(row, "$64.50", "Unit price")
    assert "What is the quantity of Fender?" in ask_field(row, "12", "Qty")


def test_a_header_that_is_no_noun_is_quoted() -> None:
    questions = ask_field("Species: Field maple | Planted: 720", "720", "Planted")
    assert questions == [
        'What is listed under "Planted" for Field maple?',
        'What is given under "Planted" for Field maple?',
    ]


def test_a_column_of_values_is_asked_for_by_the_row_alone() -> None:
    assert ask_field("Property: Response time | Value: 2 ms", "2 ms", "Value") == ["What is the response time?"]
    assert ask_field("Property: Fuse | Value: 10 A", "10 A", "Value") == ["What value is given for Fuse?"]


def test_a_column_that_is_a_year_asks_for_the_row_in_that_year() -> None:
    assert "What was the net income in 2023?" in ask_field("Row: Net income | 2023: $5 m", "$5 m", "2023")


def test_a_place_in_a_year_is_not_asked_for_as_if_it_were_measured() -> None:
    assert ask_field("District: Old Town | 2013: 14.2", "14.2", "2013") == ["What value is given for Old Town in 2013?"]


def test_the_unit_of_bare_numbers_comes_from_the_header() -> None:
    row = "Region: North | Revenue (USD million): 120 | Margin (%): 3"
    assert "What is the revenue in USD million for North?" in ask_field(row, "120", "Revenue (USD million)")
    assert "What is the margin for North?" in ask_field(row, "3", "Margin (%)")
    assert "What is the revenue for North?" in ask_field(row.replace("120", "$120"), "$120", "Revenue (USD million)")


def test_a_person_is_asked_for_with_who() -> None:
    row = "Date: 9 August 2024 | Technician: S. Whitcombe"
    assert ask_field(row, "S. Whitcombe", "Technician") == ["Who is the technician on 9 August 2024?"]


def test_a_weak_label_comes_under_the_heading_of_its_form() -> None:
    assert ask_field("Adoption form | Date: 1 May 2024", "1 May 2024", "Date") == [
        "What date is given on the adoption form?"
    ]
    assert ask_field("Applicant | First name: Ann", "Ann", "First name") == [
        'What is the first name under "Applicant"?'
    ]
