"""Every wording of the questions from facts, filled with what stands in drawn documents of its language.

    python -m benchmarks.wordings

writes `docs/wordings.md`, to be read for grammar: gender, article, plural, case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.truth import DEVELOPMENT_SEED, read
from benchmarks.truth_factory.drawn import LANGUAGES as DRAWN
from benchmarks.truth_factory.factory import SORTS, draw_document
from docmatix.prompting.questions.asking import KINDS
from docmatix.prompting.questions.question import AskedPages, Asking
from docmatix.prompting.questions.wordings import LANGUAGES, Wordings, load_wordings

PAGE = Path(__file__).parents[1] / "docs" / "wordings.md"
MOST_DRAWS = 4
"""Documents of each sort that are searched for a fact of every form."""
QUALIFIED = {"field": ("in_section",), "cell": ("in_group", "in_table", "in_unit")}
_UNQUALIFIED = ("field.filled", "cell.which", "cell.which_noun")
_NOUNS = {
    "field.plural": {"label": "membership fees"},
    "field.person": {"label": "project manager"},
    "cell.plural": {"column": "opening hours", "row": "Harbour Branch"},
    "cell.person": {"column": "head of department", "row": "Purchasing"},
    "cell.count": {"column": "employees", "row": "Harbour Branch"},
}
"""English forms that need certain nouns, with some for where none was drawn."""
_INTRODUCTION = """\
# Wordings

The questions that are made from facts, for each language all wordings of a form, filled with what stands in documents:
written by `make wordings` and read for gender, article, plural and case. Where a question can be made specific by its
section, group, table or unit, the second column has it with all of these. Known fields (`Total due`) have questions of
their own; they and the wordings are in `docmatix/prompting/questions/wordings/`.
"""


def list_askings(language: str) -> Iterator[Asking]:
    """What could be asked about the drawn documents of a language."""
    for number in range(MOST_DRAWS):
        for sort in SORTS:
            document = read(draw_document(DEVELOPMENT_SEED + number, sort, language).pdf)
            if document is not None:
                asked = AskedPages(tuple(page for page in document.pages if page.reason is None), language, 1)
                for draft_questions in KINDS:
                    for draft in draft_questions(asked):
                        yield from draft.askings


def fill_forms(wordings: Wordings, askings: Iterator[Asking]) -> tuple[dict[str, Asking], dict[str, str]]:
    """An asking for each form, and the texts of qualifiers, wherever they were seen."""
    found: dict[str, Asking] = {}
    seen: dict[str, str] = {}
    for asking in askings:
        own = wordings.list_templates(asking) is wordings.forms[asking.form]
        if own and asking.form not in found:
            found[asking.form] = asking
        for name in ("section", "group", "table", "unit"):
            if asking.slots.get(name):
                seen.setdefault(name, asking.slots[name])
        if len(found) == len(wordings.forms) and len(seen) == 4:
            break
    return found, seen


def write_language(wordings: Wordings, found: Mapping[str, Asking], seen: dict[str, str]) -> Iterator[str]:
    """The table of a language; a form for which nothing was drawn borrows from its kind, or shows its slots."""
    yield f"\n## {wordings.language}\n\n| form | question | with all qualifiers |\n| --- | --- | --- |"
    open_slots = {name: f"{{{name}}}" for name in SLOTS} | _SHOWN.get(wordings.language, {})
    seen = {name: open_slots[name] for name in ("section", "group", "table", "unit")} | seen
    for form, templates in wordings.forms.items():
        kind = form.partition(".")[0]
        asking = found.get(form) or _borrow(form, wordings, found)
        if asking is None and form in _NOUNS:
            asking = Asking(form, _NOUNS[form], frozenset())
        slots = {**open_slots, **seen, **(asking.slots if asking else {})}
        slots["number"] = slots["number"].strip("{number}") or "2"
        if form in ("caption", "footnote") and asking is None:
            slots["label"] = "1"
        if form == "field.question" and not slots["label"].endswith(("?", "？")):
            slots["label"] += "？" if wordings.language == "zh" else "?"
        names = () if form in _UNQUALIFIED else QUALIFIED.get(kind, ())
        for number in range(len(templates)):
            plain = wordings.word(Asking(form, slots, frozenset(), ()), number)
            qualified = wordings.word(Asking(form, {**slots, **seen}, frozenset(), names), number) if names else ""
            yield f"| {form} | {_escape(plain)} | {_escape(qualified)} |"


def _borrow(form: str, wordings: Wordings, found: Mapping[str, Asking]) -> Asking | None:
    """An asking of another form of the same kind that has what this one needs; nouns cannot be lent."""
    needed = {
        slot for slot in re.findall(r"\{(\w+)\}", wordings.forms[form][0]) if slot not in ("number", "qualifiers")
    }
    for other, asking in found.items():
        same = other.partition(".")[0] == form.partition(".")[0] and form not in _NOUNS
        if same and needed <= asking.slots.keys():
            lent = asking._replace(form=form)
            if wordings.list_templates(lent) is wordings.forms[form]:
                return lent
    return None


# what stands in documents of languages in which none is drawn
_SHOWN = {
    "zh": {
        "label": "报名截止时间",
        "section": "联系方式",
        "table": "表1 各地区主要指标",
        "group": "华东地区",
        "unit": "万元",
        "option": "同意",
        "row": "江苏省",
        "column": "工业产值",
        "key": "地区",
        "value": "1,284.6",
        "lead": "申请时需提交下列材料",
        "heading": "项目概况",
        "opening": "本报告对全年工作进行了总结",
    },
    "ko": {
        "label": "접수 마감",
        "section": "연락처",
        "table": "표 1. 지역별 주요 지표",
        "group": "수도권",
        "unit": "백만 원",
        "option": "동의함",
        "row": "경기도",
        "column": "생산액",
        "key": "지역",
        "value": "1,284.6",
        "lead": "제출 서류",
        "heading": "사업 개요",
        "opening": "본 보고서는 지난해의 주요 사업을",
    },
}
SLOTS = "label section table group unit option row column key value lead number heading opening".split()


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def write_page() -> str:
    parts = [_INTRODUCTION]
    for language in LANGUAGES:
        wordings = load_wordings(language)
        assert wordings is not None
        found, seen = fill_forms(wordings, list_askings(language) if language in DRAWN else iter(()))
        parts.append("\n".join(write_language(wordings, found, seen)) + "\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
