"""Renders prompts: each message is a Jinja template of its own, so that no text of a document can begin a message.

Every value that `{{ }}` prints passes `neutralise`, so that it cannot begin a chat turn either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from docmatix.core.errors import SetupError
from docmatix.core.pairs import Message, make_storable
from docmatix.prompting.prompts import Prompt, Section

REFERENCES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)

# Text that would be read as a chat template's control token. vLLM and llama.cpp find these in the rendered prompt, so
# a document could end its message and speak as the system. Templates that only write `USER:` or `### Instruction:`
# (Vicuna, Alpaca) cannot be protected.
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


def neutralise(text: str) -> str:
    """A document's text made safe for a chat model: a space breaks whatever resembles a control token
    (`<|im_start|>` becomes `< |im_start|>`) or one of our own tags around documents, and lone surrogates become
    U+FFFD. Idempotent."""
    if "<" in text or "[" in text or "]" in text or ">>" in text:
        text = CHAT_TOKENS.sub(lambda match: match.group() + " ", text)
    return make_storable(text)


def render_messages(prompt: Prompt, **variables: Any) -> tuple[Message, ...]:
    """The chat messages of a prompt; strings pass `neutralise`. Raises SetupError if a template uses a variable that is
    not given, or does what the sandbox forbids."""
    try:
        return tuple(
            Message(section.role, template if isinstance(template, str) else template.render(variables).strip())
            for section, template in zip(prompt.sections, _prerender(prompt.sections, prompt.includes), strict=True)
        )
    except (jinja2.TemplateError, TypeError) as error:
        raise SetupError(f"The prompt {prompt.name!r} cannot be rendered: {error}.") from error


@lru_cache(maxsize=256)
def compile_sections(
    sections: tuple[Section, ...], includes: tuple[tuple[str, str], ...]
) -> tuple[jinja2.Template, ...]:
    environment = make_environment(jinja2.DictLoader(dict(includes)))
    templates = tuple(
        environment.from_string(_Inliner(environment, includes).visit(environment.parse(section.template)))
        for section in sections
    )
    for template in templates:
        # one dict rather than a chain of two, which `render` would copy key by key for every message
        template.globals = dict(template.globals)
    return templates


class _Inliner(NodeTransformer):
    """Replaces includes by the included template: including takes half the time of rendering a message."""

    def __init__(self, environment: jinja2.Environment, includes: tuple[tuple[str, str], ...]) -> None:
        self._environment, self._includes = environment, dict(includes)
        self._within: tuple[str, ...] = ()

    def visit_Include(self, node: nodes.Include) -> nodes.Node:  # noqa: N802, jinja2's name
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
    """The templates of the sections, or the text of those that use no variable (the system message, examples)."""
    return tuple(
        template if _uses_variables(section.template, dict(includes)) else template.render().strip()
        for section, template in zip(sections, compile_sections(sections, includes), strict=True)
    )


def _uses_variables(source: str, includes: Mapping[str, str]) -> bool:
    environment = make_environment(jinja2.DictLoader(includes))
    left, seen = [source], set[str]()
    while left:
        tree = environment.parse(left.pop())
        if find_undeclared_variables(tree):
            return True
        names = {node.template.value for node in tree.find_all(REFERENCES)} - seen  # type: ignore[attr-defined]
        left += [includes[name] for name in names]
        seen |= names
    return False


class _Sandbox(ImmutableSandboxedEnvironment):
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Named tuples' fields are safe: checking a page's number and text took half the time of rendering."""
        return attr in getattr(type(obj), "_fields", ()) or super().is_safe_attribute(obj, attr, value)


def make_environment(loader: jinja2.BaseLoader) -> jinja2.Environment:
    return _Sandbox(
        loader=loader,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: neutralise(value) if isinstance(value, str) else value,
    )
