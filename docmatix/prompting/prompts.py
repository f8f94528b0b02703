"""Prompts: files of Markdown with a front matter, and the messages that are rendered from them.

A prompt file is YAML between `---` lines (`FrontMatter` lists the keys), then a body in which a line that is exactly
`@system`, `@user` or `@assistant` starts a chat message:

    ---
    family: window
    style: abstractive
    reply: pairs_json
    sampling: {temperature: 0.7, max_tokens: 2000}
    ---
    @system
    What to do ...
    @user
    {% for page in pages %}{{ page.text }}{% endfor %}

The body is divided at these lines *before* each part is rendered as a Jinja template of its own, and every value that
`{{ }}` prints goes through `neutralise`, so no text of a document can start a message or a chat turn. What is fixed
comes first and the document last, so that a server's prefix cache serves the fixed part of every request.

Turns between the system message and the last `@user` are examples: they are fixed, and the prompt carries their texts
(`Prompt.examples`), since small models like to hand them back as replies.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jinja2
import yaml
from jinja2 import nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from docmatix.core.draws import draw_unit
from docmatix.core.errors import SetupError
from docmatix.core.pairs import Message
from docmatix.models.sampling import Sampling
from docmatix.prompting.replies import parse_reply

Family = Literal["answer_first", "window", "vision", "round_trip"]
ReplyFormat = Literal["question", "pairs_text", "pairs_json", "answer"]

DEFAULT_MAX_TOKENS = 1024


class FrontMatter(BaseModel):
    """The head of a prompt file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    family: Family
    """`window` reads whole pages; `answer_first` asks for the question to a given answer; `round_trip` verifies."""
    style: str = Field(pattern=r"^[a-z][a-z_]*$")
    """What the answers are like (`extractive`, `abstractive`, ...); recorded with every pair."""
    weight: float = Field(1.0, gt=0)
    """How often the prompt is drawn, relative to the others."""
    reply: ReplyFormat
    samples: int = Field(1, ge=1)
    """How many seeds are drawn for each request."""
    sampling: Sampling = Sampling()
    pairs_per_page: float = Field(4, gt=0)
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body, for servers that know them."""
    description: str = ""


class Section(NamedTuple):
    """One chat message to be: its role, its template, and the line of the file on which the template starts."""

    role: str
    template: str
    line: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as read: a plain value that renders without its files."""

    name: str
    family: Family
    style: str
    weight: float
    reply: ReplyFormat
    samples: int
    sampling: dict[str, Any]
    extra: dict[str, Any]
    pairs_per_page: float
    sections: tuple[Section, ...]
    includes: tuple[tuple[str, str], ...]
    """Name and source of every template that the sections include."""
    source_sha256: str
    """64 hex digits: of the file and of all it includes."""
    examples: tuple[str, ...]
    """The texts of the example turns, and the questions and answers in those that are replies."""
    description: str = ""
    model: str | None = None
    """The LoRA adapter that answers it, where the configuration names one."""


# --- finding and reading prompt files ---------------------------------------------------------------------------------


def find_prompt_directories(config_dir: Path, prompts_dir: str | Path | None = None) -> list[Path]:
    """Where prompts are looked for, first match wins: `prompts_dir` (relative to `config_dir`), `prompts/` beside the
    configuration, `prompts/` one level up, the shipped prompts. Those that do not exist are left out.

    Raises:
        SetupError: `prompts_dir` is no directory.
    """
    package = Path(__file__).resolve().parents[1]
    places = [config_dir / "prompts", config_dir.parent / "prompts", package / "shipped_prompts"]
    places.append(package.parent / "prompts")
    if prompts_dir is not None:
        explicit = config_dir / prompts_dir
        if not explicit.is_dir():
            raise SetupError(f"generate.prompts_dir is {str(prompts_dir)!r}, but {explicit} is no directory.")
        places.insert(0, explicit)
    return list(dict.fromkeys(place.resolve() for place in places if place.is_dir()))


def load_prompts(names: Iterable[str], directories: Sequence[Path]) -> dict[str, Prompt]:
    """Read prompts by name (`broad_whole` is `broad_whole.md`), in the order of `names`.

    A prompt may include templates from its own directory, and from those that come with it in `directories`.

    Raises:
        SetupError: a prompt that does not exist (with the names that do), or a file with a mistake (with its line).
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
    """Read and check one prompt file; templates are compiled and example turns rendered.

    Raises:
        SetupError: anything wrong with the file, as `file:line: what`.
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
        raise SetupError(f"{path}:1: a prompt starts with front matter, YAML between two lines '---'.")
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
        values, tree = yaml.safe_load(source), yaml.compose(source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        raise SetupError(f"{path}:{line}: the front matter is not YAML: {getattr(error, 'problem', error)}.") from error
    if not isinstance(values, dict) or not isinstance(tree, yaml.MappingNode):
        raise SetupError(f"{path}:1: the front matter is a mapping with at least family, style and reply.")
    key_lines = {key.value: key.start_mark.line + 2 for key, _ in tree.value}
    try:
        return FrontMatter.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = [str(part) for part in first["loc"]]
        key, line = ".".join(place), key_lines.get(place[0] if place else "", 1)
        if first["type"] == "extra_forbidden":
            allowed = Sampling.model_fields if place[0] == "sampling" else FrontMatter.model_fields
            raise SetupError(f"{path}:{line}: unknown key {key!r}; known are {', '.join(allowed)}.") from error
        raise SetupError(f"{path}:{line}: {key}: {first['msg']}.") from error


def _divide_body(lines: Sequence[str], path: Path, *, first_line: int) -> tuple[Section, ...]:
    starts = [index for index, line in enumerate(lines) if re.fullmatch(r"@\w+\s*", line)]
    for index in starts:
        if lines[index].strip() not in ("@system", "@user", "@assistant"):
            line = first_line + index
            raise SetupError(f"{path}:{line}: {lines[index].strip()!r} is none of @system, @user, @assistant.")
    if any(line.strip() for line in lines[: starts[0] if starts else None]):
        raise SetupError(f"{path}:{first_line}: the body starts with a line '@system' or '@user'.")
    sections = tuple(
        Section(lines[start].strip()[1:], "\n".join(lines[start + 1 : stop]), first_line + start + 1)
        for start, stop in pairwise([*starts, len(lines)])
    )
    turns = [section.role for section in sections]
    if turns[:1] == ["system"]:
        turns = turns[1:]
    if turns != ["user", "assistant"] * (len(turns) // 2) + ["user"]:
        raise SetupError(
            f"{path}:{first_line}: the messages are an optional @system, then @user and @assistant in turn, "
            "and the last is @user."
        )
    return sections


_REFERENCES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


def _collect_includes(
    sections: Sequence[Section], path: Path, include_from: Sequence[Path]
) -> tuple[tuple[str, str], ...]:
    environment = _make_environment(jinja2.FileSystemLoader([path.parent, *include_from]))
    found: dict[str, str] = {}

    def visit(source: str, where: str, first_line: int) -> None:
        try:
            tree = environment.parse(source)
            environment.compile(source)
        except jinja2.TemplateSyntaxError as error:
            raise SetupError(f"{where}:{first_line + error.lineno - 1}: {error.message}") from error
        for node in tree.find_all(_REFERENCES):
            name, line = getattr(getattr(node, "template", None), "value", None), first_line + node.lineno - 1
            if not isinstance(name, str):
                raise SetupError(f"{where}:{line}: a template is included by its name, a plain string.")
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
    for section, template in zip(prompt.sections[:-1], _compile(prompt.sections, prompt.includes), strict=False):
        if section.role == "system":
            continue
        try:
            content = template.render().strip()
        except (jinja2.TemplateError, TypeError) as error:
            raise SetupError(f"{path}:{section.line}: an example is fixed text, but {error}.") from error
        examples.append(content)
        if section.role == "assistant":
            pairs, _ = parse_reply(content, format=prompt.reply, finish_reason="stop")
            examples += [text for pair in pairs for text in pair if text]
    return replace(prompt, examples=tuple(dict.fromkeys(examples)))


def tune_prompt(prompt: Prompt, *, sampling: Mapping[str, Any], model: str | None, extra: Mapping[str, Any]) -> Prompt:
    """The prompt with what a configuration says of it: sampling and further fields go before those of its file."""
    return replace(prompt, sampling={**prompt.sampling, **sampling}, model=model, extra={**prompt.extra, **extra})


# --- rendering --------------------------------------------------------------------------------------------------------

CHAT_TOKENS = re.compile(
    r"""
      <(?=[|\uff5c])                                      # <|im_start|> of ChatML, Llama 3, Phi; DeepSeek's wide bars
    | <(?=[^\s<>|\uff5c]{1,60}[|\uff5c][^\s<>]{0,60}>)    # <turn|>, <channel|> of Gemma 4; <ifm|tool_call> of K2
    | <(?=<?/?[^\W\d][\w.:-]{0,60}>)                      # <s>, <start_of_turn>, <think>, <seed:bos>, <<SYS>>, <用户>
    | <(?=/?(?:document|page)\b)                          # the marks that our own prompts put around a document
    | \[(?=\|[\w ]{1,40}\|\])                             # [|user|] of EXAONE
    | \[(?=/?(?:INST|[gs]?MASK|CLS|SEP|PAD|UNK|BOS|EOS|EOT|@BOS@|IMG(?:_BREAK|_END)?|(?:BEGIN_)?AUDIO|TRANSCRIBE
        |PREFIX|MIDDLE|SUFFIX|ARGS|CALL_ID|THINK|MODEL_SETTINGS|SYSTEM_PROMPT|USER|BOT|(?:start|end)_header_id
        |(?:AVAILABLE_|BEGIN_)?TOOLS?(?:_CALLS|_RESULTS|_CONTENT)?|UNUSED_TOKEN_\d+|extra_id_\d+|control_\d+|unused\d+)\])
    | \](?=~!?\w{1,20}[\[\]])|\[(?=e~\[)|\](?=<\])          # ]~b], [e~[, ]<]start of image[>[ of MiniMax
    | >(?=>[A-Z]{3,20}<<)                                  # >>QUESTION<< of Falcon
    """,
    re.VERBOSE,
)
"""Where text would be read as a control token of a chat template. vLLM and llama.cpp look for them in the whole prompt,
after the template has put the messages into it, so that a document could end its message and speak as the system.

Templates without such tokens, which only write `USER:` or `### Instruction:` (Vicuna, Alpaca), cannot be told from a
document that has these words: what such a model is told of the document is all that stands between them."""

SURROGATES = re.compile("[\ud800-\udfff]")


def neutralise(text: str) -> str:
    """Text of a document, safe to show to a chat model: a space after the first character of everything that a chat
    template could take for a control token (`<|im_start|>` becomes `< |im_start|>`), and after that of tags like the
    ones that our prompts put around documents. The change is visible, and applying it again changes nothing.
    What cannot be encoded as UTF-8 (lone surrogates) becomes U+FFFD."""
    if "<" in text or "[" in text or "]" in text or ">>" in text:
        text = CHAT_TOKENS.sub(lambda match: match.group() + " ", text)
    return text if text.isascii() else SURROGATES.sub("\ufffd", text)


def render_messages(prompt: Prompt, **variables: Any) -> tuple[Message, ...]:
    """The chat messages of a prompt. Which variables there are is up to its family; strings pass `neutralise`.

    Raises:
        SetupError: a template uses a variable that is not given, or does what the sandbox forbids.
    """
    try:
        return tuple(
            Message(section.role, template if isinstance(template, str) else template.render(variables).strip())
            for section, template in zip(prompt.sections, _prerender(prompt.sections, prompt.includes), strict=True)
        )
    except (jinja2.TemplateError, TypeError) as error:
        raise SetupError(f"The prompt {prompt.name!r} cannot be rendered: {error}.") from error


@lru_cache(maxsize=256)
def _compile(sections: tuple[Section, ...], includes: tuple[tuple[str, str], ...]) -> tuple[jinja2.Template, ...]:
    environment = _make_environment(jinja2.DictLoader(dict(includes)))
    templates = tuple(
        environment.from_string(_Inliner(environment, includes).visit(environment.parse(section.template)))
        for section in sections
    )
    for template in templates:
        # one dict instead of a chain of two, which `render` would copy key by key for every message
        template.globals = dict(template.globals)
    return templates


class _Inliner(NodeTransformer):
    """Puts included templates in the place of the statement: to include is half the time of rendering a message."""

    def __init__(self, environment: jinja2.Environment, includes: tuple[tuple[str, str], ...]) -> None:
        self._environment, self._includes = environment, dict(includes)
        self._within: tuple[str, ...] = ()

    def visit_Include(self, node: nodes.Include) -> nodes.Node:  # noqa: N802, the name that jinja2 looks for
        name = node.template.value if isinstance(node.template, nodes.Const) else None
        if name not in self._includes or name in self._within:
            return node
        within, self._within = self._within, (*self._within, name)
        body = self.visit(self._environment.parse(self._includes[name])).body
        self._within = within
        return nodes.Scope(body, lineno=node.lineno)


@lru_cache(maxsize=256)
def _prerender(
    sections: tuple[Section, ...], includes: tuple[tuple[str, str], ...]
) -> tuple[jinja2.Template | str, ...]:
    """The templates of the sections; of those that use no variable (the system message, examples) the text itself."""
    return tuple(
        template if _uses_variables(section.template, dict(includes)) else template.render().strip()
        for section, template in zip(sections, _compile(sections, includes), strict=True)
    )


def _uses_variables(source: str, includes: Mapping[str, str]) -> bool:
    environment = _make_environment(jinja2.DictLoader(includes))
    left, seen = [source], set[str]()
    while left:
        tree = environment.parse(left.pop())
        if find_undeclared_variables(tree):
            return True
        names = {node.template.value for node in tree.find_all(_REFERENCES)} - seen  # type: ignore[attr-defined]
        left += [includes[name] for name in names]
        seen |= names
    return False


class _Sandbox(ImmutableSandboxedEnvironment):
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """The fields of a named tuple are: the number and the text of a page are asked for with every request, and the
        checks of what may be anything take half of the time of rendering one."""
        return attr in getattr(type(obj), "_fields", ()) or super().is_safe_attribute(obj, attr, value)


def _make_environment(loader: jinja2.BaseLoader) -> jinja2.Environment:
    return _Sandbox(
        loader=loader,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: neutralise(value) if isinstance(value, str) else value,
    )


# --- choosing ---------------------------------------------------------------------------------------------------------


def choose_prompts(
    prompts: Sequence[Prompt], *, weights: Mapping[str, float], key: str, seed: int, count: int
) -> list[Prompt]:
    """Draw `count` different prompts for `key` (a window's id), each in proportion to its weight: the one in `weights`
    or else its own. Fewer prompts than `count`: all of them.

    This is weighted rendezvous hashing: every prompt scores `-ln(u) / weight`, with `u` in (0, 1) from a hash of seed,
    key and the prompt's name, and the lowest scores win (Thaler and Ravishankar, 1998; the logarithmic method is from
    Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005). A prompt's score depends on no other prompt,
    so adding one moves windows only from others to it, and taking one away moves only its own windows: after
    an added prompt, all other stored replies stay of use.
    """

    def score(prompt: Prompt) -> tuple[float, str]:
        return -math.log(draw_unit(seed, key, prompt.name)) / weights.get(prompt.name, prompt.weight), prompt.name

    return sorted(prompts, key=score)[:count]
