"""What holds for any page."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import FACT_KINDS
from docmatix.facts.layout import find_layout
from tests.facts.layout.drawn import Line, find, make_page

_TEXTS = st.text(st.sampled_from("ab Z9.,:()•–-$%§¹ 東אب\u200b"), min_size=1, max_size=30).map(
    lambda text: " ".join(text.split()) or "x"
)
_SAYINGS = ("Dear Ann,", "Yours,", "Figure 1: x", "1. one", "2. two", "Page 1", "xiv", "2.1 Scope")
_LINES = st.tuples(
    st.floats(0, 500), st.floats(12, 790), _TEXTS | st.sampled_from(_SAYINGS), st.floats(1, 40), st.booleans()
).map(lambda drawn: Line(*drawn))


@given(st.lists(st.lists(_LINES, max_size=12), min_size=1, max_size=3))
def test_facts_are_whole_and_the_same_each_time(pages: list[list[Line]]) -> None:
    drawn = [make_page(*lines, number=number) for number, lines in enumerate(pages, 1)]
    found = find(*drawn)
    assert found == find(*drawn)
    assert len(found) == len(drawn)
    for facts in found:
        for fact in facts:
            assert fact.kind in FACT_KINDS
            assert fact.value.strip()
            assert fact.boxes
            assert 0 <= fact.confidence <= 1


def test_a_document_without_words_has_no_facts() -> None:
    assert find_layout([make_page()], [[]]) == [[]]
    assert find_layout([], []) == []
