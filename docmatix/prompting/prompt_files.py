"""Prompt files: YAML front matter between `---` lines (`FrontMatter` lists the keys), then the messages.

In the body, a line that is exactly `@system`, `@user` or `@assistant` begins a chat message, which is a Jinja template.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import jinja2
import yaml
from jinja2 import nodes
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from docmatix.core.errors import SetupError
from docmatix.core.yaml_places import compose, find_repeated_keys
from docmatix.models.sampling import Sampling
from docmatix.prompting.conditions import ANYWHERE, Conditions, names_pictures, read_conditions
from docmatix.prompting.prompts import WRITING, Family, Prompt, ReplyFormat, Section
from docmatix.prompting.replies import parse_reply
from docmatix.prompting.shown_examples import find_examples, keep_telling, split_turn
from docmatix.prompting.templates import REFERENCES, compile_sections, make_environment

DEFAULT_MAX_TOKENS = 1024


class FrontMatter(BaseModel):
    """The front matter of a prompt file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    family: Family
    """`window` reads whole pages, `vision` sees them, `answer_first` asks for the question to a given answer; the
    others are for the checks of `verify`, by their names."""
    style: str = Field(pattern=r"^[a-z][a-z_]*$")
    """The kind of answers (`extractive`, `abstractive`); recorded with every pair."""
    weight: float = Field(1.0, gt=0)
    """How often the prompt is drawn, relative to the others."""
    reply: ReplyFormat
    samples: int = Field(1, ge=1)
    """The number of seeds drawn for each request."""
    sampling: Sampling = Sampling()
    pairs_per_page: float = Field(4, gt=0)
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body, for servers that accept them."""
    description: str = ""
    reword: bool = False
    """An `answer_first` prompt that is given the window's `question`s from facts and says them in other words; a
    question whose label, row, column or number would get lost stays as it was."""
    when: Annotated[Conditions, PlainValidator(read_conditions)] = ANYWHERE
    """The windows that the prompt is drawn for: `{chart: ">= 0.5", language: en}`, or a list of such mappings, of which
    one must hold; without it, all. Names are those of `docmatix.core.profiles.Profile` (shares `text`, `pictures`,
    `drawing`; counts `tables`, `fields`, `lists`, `headings`; scores), `image_only`, the number of pages that are
    pictures without text, and `language`."""


def find_prompt_directories(config_dir: Path, prompts_dir: str | Path | None = None) -> list[Path]:
    """The existing folders of prompts by priority: `prompts_dir` (relative to `config_dir`), `prompts/` beside the
    configuration, `prompts/` one level up, the shipped prompts. Raises SetupError if `prompts_dir` is not a folder.
    """
    package = Path(__file__).resolve().parents[1]
    places = [config_dir / "prompts", config_dir.parent / "prompts", package / "shipped_prompts"]
    places.append(package.parent / "prompts")
    if prompts_dir is not None:
        explicit = config_dir / prompts_dir
        if not explicit.is_dir():
            raise SetupError(f"generate.prompts_dir is {str(prompts_dir)!r}, but {explicit} is not a directory.")
        places.insert(0, explicit)
    return list(dict.fromkeys(place.resolve() for place in places if place.is_dir()))


def load_prompts(names: Iterable[str], directories: Sequence[Path]) -> dict[str, Prompt]:
    """Read prompts by name (`broad_whole` is `broad_whole.md`), in the order of `names`; they may include templates
    from their own folder and from `directories`. Raises SetupError for an unknown name or an invalid file.
    """
    known: dict[str, Path] = {}
    for directory in directories:
        for path in sorted(directory.glob("*.md")):
            if path.stem != "README":
                known.setdefault(path.stem, path)
    prompts: dict[str, Prompt] = {}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise SetupError(f"There is no prompt {name!r}.{hint} Known prompts: {', '.join(sorted(known)) or 'none'}.")
        prompts[name] = read_prompt(known[name], include_from=directories)
    return prompts


def read_prompt(path: Path, *, include_from: Sequence[Path] = ()) -> Prompt:
    """Read and check one prompt file, compile its templates, and collect what it shows as examples.

    Raises SetupError, as `file:line: what`, for anything wrong with the file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} cannot be read as UTF-8 text: {error}.") from error
    lines = text.split("\n")
    try:
        end = lines.index("---", 1)
    except ValueError:
        end = 0
    if lines[0] != "---" or not end:
        raise SetupError(f"{path}:1: a prompt begins with front matter, YAML between two lines '---'.")
    front = _read_front_matter("\n".join(lines[1:end]), path)
    sections = _divide_body(lines[end + 1 :], path, first_line=end + 2)
    includes = _collect_includes(sections, path, include_from)
    prompt = Prompt(
        name=path.stem,
        **{name: getattr(front, name) for name in FrontMatter.model_fields if name != "sampling"},
        sampling={"max_tokens": DEFAULT_MAX_TOKENS} | front.sampling.to_body(),
        sections=sections,
        includes=includes,
        source_sha256=hashlib.sha256(repr([text, *includes]).encode()).hexdigest(),
        examples=(),
    )
    return _with_examples(prompt, path)


def _read_front_matter(source: str, path: Path) -> FrontMatter:
    try:
        values, tree = yaml.safe_load(source), compose(source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        raise SetupError(f"{path}:{line}: the front matter is not YAML: {getattr(error, 'problem', error)}.") from error
    if not isinstance(values, dict) or not isinstance(tree, yaml.MappingNode):
        raise SetupError(f"{path}:1: the front matter must be a mapping with at least family, style and reply.")
    for repeated in find_repeated_keys(tree):
        moved = repeated._replace(lines=tuple(line + 1 for line in repeated.lines))  # below the first `---`
        raise SetupError(f"{path}:{moved.lines[-1]}: {moved.describe()}")
    key_lines = {key.value: key.start_mark.line + 2 for key, _ in tree.value}
    try:
        front = _validate(values, place=f"{path}:{key_lines.get('when', 1)}")
        if front.reword and (front.family, front.reply) != ("answer_first", "question"):
            line = key_lines["reword"]
            raise SetupError(f"{path}:{line}: `reword` takes `family: answer_first` and `reply: question`.")
        if front.when != ANYWHERE and front.family not in WRITING:
            raise SetupError(f"{path}:{key_lines['when']}: `when` is for prompts that are drawn for a window.")
        if front.family != "vision" and names_pictures(front.when):
            raise SetupError(
                f"{path}:{key_lines['when']}: `when.image_only` is for `family: vision`; no other is given such pages."
            )
        return front
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = [str(part) for part in first["loc"]]
        key, line = ".".join(place), key_lines.get(place[0] if place else "", 1)
        if first["type"] == "extra_forbidden":
            allowed = Sampling.model_fields if place[0] == "sampling" else FrontMatter.model_fields
            raise SetupError(f"{path}:{line}: unknown key {key!r}; allowed are {', '.join(allowed)}.") from error
        raise SetupError(f"{path}:{line}: {key}: {first['msg']}.") from error


def _validate(values: dict[str, Any], *, place: str) -> FrontMatter:
    try:
        return FrontMatter.model_validate(values)
    except SetupError as error:  # of `when`, which has sentences of its own
        raise SetupError(f"{place}: {error}") from error


def _divide_body(lines: Sequence[str], path: Path, *, first_line: int) -> tuple[Section, ...]:
    starts = [index for index, line in enumerate(lines) if re.fullmatch(r"@\w+\s*", line)]
    for index in starts:
        if lines[index].strip() not in ("@system", "@user", "@assistant"):
            line = first_line + index
            raise SetupError(f"{path}:{line}: {lines[index].strip()!r} is not one of @system, @user, @assistant.")
    if any(line.strip() for line in lines[: starts[0] if starts else None]):
        raise SetupError(f"{path}:{first_line}: the body must begin with a line '@system' or '@user'.")
    sections = tuple(
        Section(lines[start].strip()[1:], "\n".join(lines[start + 1 : stop]), first_line + start + 1)
        for start, stop in pairwise([*starts, len(lines)])
    )
    turns = [section.role for section in sections]
    if turns[:1] == ["system"]:
        turns = turns[1:]
    if turns != ["user", "assistant"] * (len(turns) // 2) + ["user"]:
        raise SetupError(
            f"{path}:{first_line}: the messages must be an optional @system, then @user and @assistant in turn, "
            "ending with @user."
        )
    return sections


def _collect_includes(
    sections: Sequence[Section], path: Path, include_from: Sequence[Path]
) -> tuple[tuple[str, str], ...]:
    environment = make_environment(jinja2.FileSystemLoader([path.parent, *include_from]))
    found: dict[str, str] = {}

    def visit(source: str, where: str, first_line: int) -> None:
        try:
            tree = environment.parse(source)
            environment.compile(source)
        except jinja2.TemplateSyntaxError as error:
            raise SetupError(f"{where}:{first_line + error.lineno - 1}: {error.message}") from error
        for node in tree.find_all(REFERENCES):
            name, line = getattr(getattr(node, "template", None), "value", None), first_line + node.lineno - 1
            if not isinstance(name, str):
                raise SetupError(f"{where}:{line}: a template must be included by its name, as a plain string.")
            if name in found:
                continue
            try:
                included, file, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
            except jinja2.TemplateNotFound as error:
                raise SetupError(f"{where}:{line}: the template {name!r} is not in {path.parent}.") from error
            found[name] = included
            visit(included, file or name, 1)

    for section in sections:
        visit(section.template, str(path), section.line)
    return tuple(sorted(found.items()))


def _with_examples(prompt: Prompt, path: Path) -> Prompt:
    examples: list[str] = []
    templates = compile_sections(prompt.sections, prompt.includes)
    for number, (section, template) in enumerate(zip(prompt.sections, templates, strict=True), start=1):
        if section.role == "system" or number == len(prompt.sections):
            continue
        try:
            content = template.render().strip()
        except (jinja2.TemplateError, TypeError) as error:
            raise SetupError(f"{path}:{section.line}: an example must be fixed text, but {error}.") from error
        examples += split_turn(content)
        if section.role == "assistant":
            pairs, _ = parse_reply(content, format=prompt.reply, finish_reason="stop")
            examples += [text for pair in pairs for text in pair if text]
    for instruction in read_instructions(prompt):
        examples += find_examples(instruction)
    return replace(prompt, examples=keep_telling(examples))


def read_instructions(prompt: Prompt) -> list[str]:
    """The words of a prompt that are not an example turn: those of its system message, of its last message and of what
    it includes, without what is filled in."""
    environment = make_environment(jinja2.DictLoader({}))
    system = [section.template for section in prompt.sections if section.role == "system"]
    sources = [*system, prompt.sections[-1].template, *(source for _, source in prompt.includes)]
    return [
        " ".join(each.data for each in environment.parse(source).find_all(nodes.TemplateData)) for source in sources
    ]
