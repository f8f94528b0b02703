"""Where the keys of a YAML text stand, and which are given twice: of these PyYAML would silently take the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

_MERGE = "tag:yaml.org,2002:merge"


class Repeated(NamedTuple):
    """A key that one mapping has more than once, and the lines it stands in, counted from 1."""

    path: tuple[str, ...]
    lines: tuple[int, ...]

    def describe(self) -> str:
        """What is wrong, as a sentence."""
        *first, last = map(str, self.lines)
        times = "twice" if len(self.lines) == 2 else f"{len(self.lines)} times"
        return f"`{'.'.join(self.path)}` is given {times}, in lines {', '.join(first)} and {last}: remove all but one."


def compose(text: str) -> Node | None:
    """The nodes of a text that `yaml.safe_load` reads; None if it is empty. Raises YAMLError."""
    node: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    return node


def find_repeated_keys(root: Node | None) -> list[Repeated]:
    """The keys given more than once in one mapping, in the order of the text. What an alias repeats is looked at once,
    and keys that a merge (`<<`) brings may be given again, since that overrides them."""
    found: list[Repeated] = []
    seen: set[int] = set()

    def visit(node: Node | None, path: tuple[str, ...]) -> None:
        if node is None or id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, MappingNode):
            lines: dict[tuple[str, str], list[int]] = {}
            for key, value in node.value:
                if isinstance(key, ScalarNode) and key.tag != _MERGE:
                    lines.setdefault((key.tag, key.value), []).append(key.start_mark.line + 1)
                visit(value, (*path, str(key.value)) if isinstance(key, ScalarNode) else path)
            found.extend(Repeated((*path, name), tuple(at)) for (_, name), at in lines.items() if len(at) > 1)
        elif isinstance(node, SequenceNode):
            for number, value in enumerate(node.value):
                visit(value, (*path, str(number)))

    visit(root, ())
    return sorted(found, key=lambda repeated: repeated.lines)


def find_line(root: Node | None, path: Sequence[str]) -> int | None:
    """The line, counted from 1, in which the value at a path of keys and list indices is given; None if it is not."""
    node, line = root, None
    for part in path:
        found = next((each for each in _list_children(node) if each[0] == part), None)
        if found is None:
            return None
        _, line, node = found
    return line


def _list_children(node: Node | None) -> Iterator[tuple[str, int, Node]]:
    """The keys of a mapping, or the places in a list, with their lines and values; what is merged in comes last, and of
    a repeated key the last, which counts, comes first."""
    if isinstance(node, SequenceNode):
        for number, value in enumerate(node.value):
            yield str(number), value.start_mark.line + 1, value
    elif isinstance(node, MappingNode):
        merged = list[Node]()
        for key, value in reversed(node.value):
            if key.tag == _MERGE:
                merged += value.value if isinstance(value, SequenceNode) else [value]
            elif isinstance(key, ScalarNode):
                yield key.value, key.start_mark.line + 1, value
        for each in merged:
            yield from _list_children(each)
