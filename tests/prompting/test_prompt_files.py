"""Prompt files: where they are found, what they contain, and how mistakes in them are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from docmatix.core.errors import SetupError
from docmatix.prompting.prompt_files import find_prompt_directories, load_prompts, read_prompt
from docmatix.prompting.templates import render_messages
from tests.prompting.files import BODY, HEAD, write_prompt

SHIPPED = Path(__file__).parents[2] / "prompts"


def test_a_prompt_file_is_read_with_its_defaults(tmp_path):
    prompt = read_prompt(write_prompt(tmp_path))
    assert (prompt.name, prompt.family, prompt.style, prompt.weight) == ("one", "window", "abstractive", 1.0)
    assert (prompt.samples, prompt.pairs_per_page, prompt.extra) == (1, 4, {})
    assert prompt.sampling == {"max_tokens": 1024}
    assert render_messages(prompt, text="hello")[0] == ("user", "hello")


def test_the_directories_are_the_chosen_one_then_beside_the_configuration_then_the_shipped(tmp_path):
    for name in ("pipelines/prompts", "prompts", "pipelines/mine"):
        (tmp_path / name).mkdir(parents=True)
    found = find_prompt_directories(tmp_path / "pipelines", "mine")
    assert found[:3] == [tmp_path / "pipelines/mine", tmp_path / "pipelines/prompts", tmp_path / "prompts"]
    assert SHIPPED.resolve() in found
    with pytest.raises(SetupError, match="prompts_dir is 'absent'"):
        find_prompt_directories(tmp_path, "absent")


def test_the_first_directory_that_has_a_prompt_wins(tmp_path):
    write_prompt(tmp_path / "a", HEAD + "weight: 7\n" + BODY)
    write_prompt(tmp_path / "b")
    write_prompt(tmp_path / "b", name="two")
    prompts = load_prompts(["two", "one"], [tmp_path / "a", tmp_path / "b"])
    assert list(prompts) == ["two", "one"]
    assert prompts["one"].weight == 7


def test_a_missing_prompt_is_named_with_the_ones_there_are(tmp_path):
    write_prompt(tmp_path, name="broad")
    write_prompt(tmp_path, name="README")
    with pytest.raises(SetupError, match=r"no prompt 'brod'\. Did you mean 'broad'\? Known prompts: broad\."):
        load_prompts(["brod"], [tmp_path])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("@user\nhello\n", ":1: a prompt begins with front matter"),
        ("---\nfamily: window\n@user\nhello\n", ":1: a prompt begins with front matter"),
        ("---\n- a\n" + BODY, ":1: the front matter must be a mapping"),
        ("---\nfamily: window\nstyle: a: b\n" + BODY, ":3: the front matter is not YAML"),
        (HEAD + "wieght: 2\n" + BODY, ":5: unknown key 'wieght'; allowed are family, style, weight"),
        (HEAD + "sampling: {temprature: 1}\n" + BODY, ":5: unknown key 'sampling.temprature'; allowed are temperature"),
        (HEAD + "sampling: {seed: 1}\n" + BODY, ":5: unknown key 'sampling.seed'"),
        (HEAD + "weight: 0\n" + BODY, ":5: weight: "),
        ("---\nfamily: window\nreply: answer\n" + BODY, ":1: style: Field required"),
        (HEAD + "---\nhello\n@user\nx\n", ":6: the body must begin with"),
        (HEAD + "---\n", ":6: the messages must be an optional @system"),
        (HEAD + "---\n@user\na\n@assistant\nb\n", ":6: the messages must be an optional @system"),
        (HEAD + "---\n@user\na\n@user\nb\n", ":6: the messages must be an optional @system"),
        (HEAD + "---\n@user\na\n@asistant\nb\n", ":8: '@asistant' is not one of"),
        (HEAD + "---\n@system\na\n@user\nb\n{{ x\n", ":10: "),
        (HEAD + "---\n@user\na\n{{ x | nofilter }}\n", ":8: No filter named 'nofilter'"),
        (HEAD + "---\n@user\n\n{% include 'absent.j2' %}\n", ":8: the template 'absent.j2' is not in"),
        (HEAD + "---\n@user\n{% include '../secret.j2' %}\n", ":7: the template '../secret.j2' is not in"),
        (HEAD + "---\n@user\n{% include name %}\n", ":7: a template must be included by its name"),
        (
            HEAD + "---\n@user\n{{ x }}\n@assistant\nb\n@user\nc\n",
            ":7: an example must be fixed text, but 'x' is undefined",
        ),
    ],
)
def test_a_mistake_in_a_prompt_file_is_reported_with_its_line(tmp_path, text, complaint):
    path = write_prompt(tmp_path, text)
    with pytest.raises(SetupError) as caught:
        read_prompt(path)
    assert f"{path}{complaint}" in str(caught.value)


def test_a_mistake_in_an_included_template_is_reported_with_its_file_and_line(tmp_path):
    path = write_prompt(tmp_path, HEAD + "---\n@user\n{% include 'rules.j2' %}\n")
    (tmp_path / "rules.j2").write_text("fine\n{% if %}\n")
    with pytest.raises(SetupError, match=r"rules\.j2:2: "):
        read_prompt(path)


def test_the_hash_covers_the_templates_that_are_included(tmp_path):
    path = write_prompt(tmp_path, HEAD + "---\n@user\n{% include 'outer.j2' %}\n")
    (tmp_path / "outer.j2").write_text("{% include 'inner.j2' %}")
    (tmp_path / "inner.j2").write_text("one")
    before = read_prompt(path)
    (tmp_path / "inner.j2").write_text("two")
    after = read_prompt(path)
    assert before.source_sha256 != after.source_sha256
    assert [render_messages(prompt)[0].content for prompt in (before, after)] == ["one", "two"]


def test_a_message_whose_included_template_uses_a_variable_is_rendered_for_each_window(tmp_path):
    (tmp_path / "outer.j2").write_text("{% include 'inner.j2' %}")
    (tmp_path / "inner.j2").write_text("Write {{ count }}.")
    prompt = read_prompt(write_prompt(tmp_path, HEAD + "---\n@system\n{% include 'outer.j2' %}\n@user\n{{ text }}\n"))
    for count in (1, 2):
        assert render_messages(prompt, text="", count=count)[0].content == f"Write {count}."


def test_an_own_prompt_may_include_a_shipped_template_but_not_be_changed_by_another_directory(tmp_path):
    path = write_prompt(tmp_path / "mine", HEAD + "---\n@user\n{% include 'a.j2' %} {% include 'b.j2' %}\n")
    for directory, names in (("mine", "a"), ("shipped", "ab")):
        for name in names:
            (tmp_path / directory).mkdir(exist_ok=True)
            (tmp_path / directory / f"{name}.j2").write_text(directory)
    prompt = read_prompt(path, include_from=[tmp_path / "shipped", tmp_path / "mine"])
    assert render_messages(prompt)[0].content == "mine shipped"


def test_a_prompt_carries_the_texts_of_its_examples(tmp_path):
    shown = '{"pairs": [{"question": "What floats?", "answer": "wood"}]}'
    path = write_prompt(
        tmp_path, HEAD + f"---\n@system\nAsk.\n@user\nA text.\n@assistant\n{shown}\n@user\n{{{{ t }}}}\n"
    )
    assert read_prompt(path).examples == ("A text.", shown, "What floats?", "wood")


def test_a_prompt_carries_what_its_instructions_and_their_includes_show(tmp_path):
    (tmp_path / "rules.j2").write_text('Ask such as "Who signed it?", never "according to the text".')
    body = "@system\nBriefly.\n{% include 'rules.j2' %}\n@user\n{{ t }}\nFor instance: When is it due?\n"
    assert read_prompt(write_prompt(tmp_path, HEAD + "---\n" + body)).examples == (
        *("For instance: When is it due?", "When is it due?"),
        *("Who signed it?", 'Ask such as "Who signed it?'),
    )


def test_a_key_given_twice_in_the_front_matter_is_refused_with_both_lines(tmp_path):
    path = write_prompt(tmp_path, HEAD + "weight: 1\nweight: 2\n---\n@user\n{{ t }}\n")
    with pytest.raises(SetupError, match=r"one\.md:6: `weight` is given twice, in lines 5 and 6: remove all but one\."):
        read_prompt(path)


def test_the_lines_of_an_example_turn_are_examples_without_their_labels(tmp_path):
    path = write_prompt(
        tmp_path, HEAD + "---\n@user\nText: Cork floats.\nAnswer: Cork\n@assistant\nWhat floats?\n@user\n{{ t }}\n"
    )
    assert {"Cork floats.", "Cork", "What floats?"} < set(read_prompt(path).examples)
