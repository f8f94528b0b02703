"""Reading a configuration from YAML or a mapping, with its relative paths resolved, and writing it without secrets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml import Node

from docmatix.config import Config
from docmatix.config.wording import Mistake, list_mistakes
from docmatix.core.errors import SetupError
from docmatix.core.yaml_places import compose, find_line, find_repeated_keys

_MOST_MISTAKES = 20


def load_config(path: str | Path, *, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration file, apply `--set` overrides (`key.sub=value`, the value in YAML) and resolve relative
    paths against the file's folder. Raises SetupError for a missing file, broken YAML, and for unknown keys, keys given
    twice and invalid values, all at once, with the line or the override of each."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SetupError(f"The configuration file {path} does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The configuration file {path} cannot be read: {error}.") from None
    try:
        content, root = yaml.safe_load(text), compose(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" at line {place.line + 1}" if place else ""
        raise SetupError(f"{path} is not valid YAML{where}: {getattr(error, 'problem', None) or error}.") from None
    if not isinstance(content, dict):
        raise SetupError(f"{path} must hold a mapping with the keys name, source and generate.")
    for override in overrides:
        _apply_override(content, override)
    mistakes: list[tuple[float, str]] = [
        (repeated.lines[-1], f"line {repeated.lines[-1]}: {repeated.describe()}")
        for repeated in find_repeated_keys(root)
    ]
    try:
        config = Config.model_validate(content)
    except ValidationError as error:
        mistakes += [_place(mistake, root, overrides) for mistake in list_mistakes(error, content)]
    if mistakes:
        raise SetupError(f"{path}: {_join(sentence for _, sentence in sorted(mistakes, key=itemgetter(0)))}")
    return resolve_paths(config, base_dir=path.resolve().parent)


def parse_config(content: Mapping[str, Any], *, origin: str = "the configuration") -> Config:
    """Validate a mapping. Raises SetupError with a sentence about each mistake."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise SetupError(f"{origin}: {_join(each.sentence for each in list_mistakes(error, content))}") from None


def _join(sentences: Iterable[str]) -> str:
    told = list(sentences)
    more = [f"And {len(told) - _MOST_MISTAKES} more."] if len(told) > _MOST_MISTAKES else []
    return " ".join([*told[:_MOST_MISTAKES], *more])


def _place(mistake: Mistake, root: Node | None, overrides: Sequence[str]) -> tuple[float, str]:
    """Where a mistake comes among others, and its sentence with the line or the override that made it."""
    path = mistake.path
    line = find_line(root, path)
    for override in reversed(overrides):
        key = override.partition("=")[0].strip()
        made = tuple(key.split("."))
        # the value itself or what holds it was set, or something below a key that the file does not have
        if path[: len(made)] == made or (line is None and made[: len(path)] == path):
            return math.inf, f"--set {key}: {mistake.sentence}"
    above = (find_line(root, path[:length]) for length in range(len(path), 0, -1))
    line = next((each for each in above if each is not None), None)
    return (math.inf, mistake.sentence) if line is None else (line, f"line {line}: {mistake.sentence}")


def resolve_paths(config: Config, *, base_dir: Path) -> Config:
    """Make the relative paths of a configuration absolute; URLs stay as they are."""

    def absolute(path: str) -> str:
        return path if "://" in path else str(base_dir / Path(path).expanduser())

    source = config.source.model_copy(update={"paths": tuple(absolute(path) for path in config.source.paths)})
    generate = config.generate
    if generate.prompts_dir is not None:
        generate = generate.model_copy(update={"prompts_dir": absolute(generate.prompts_dir)})
    generate = generate.model_copy(update={"engine": generate.engine.resolve_paths(absolute)})
    verify = tuple(
        check.model_copy(update={"engine": check.engine.resolve_paths(absolute)}) if check.engine else check
        for check in config.verify
    )
    ocr = config.extract.ocr.resolve_paths(absolute)
    extract = config.extract.model_copy(update={"ocr": ocr})
    return config.model_copy(update={"source": source, "extract": extract, "generate": generate, "verify": verify})


def dump_config(config: Config) -> str:
    """The configuration as YAML with its defaults, without secrets: keys are named by variable, and secrets in
    addresses, `env` and `extra_args` are masked (`docmatix.core.redaction`)."""
    content = config.model_dump(mode="json", by_alias=True)
    config.source.hide_secrets(content["source"])
    config.generate.engine.hide_secrets(content["generate"]["engine"])
    for check, settings in zip(config.verify, content["verify"], strict=True):
        check.hide_secrets(settings)
        if check.engine:
            check.engine.hide_secrets(settings["engine"])
    for one, settings in zip(config.curate.filters, content["curate"]["filters"], strict=True):
        one.hide_secrets(settings)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _apply_override(content: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise SetupError(f"--set takes key.sub=value, not {override!r}.")
    *parents, last = key.strip().split(".")
    place: Any = content
    try:
        for part in parents:
            if isinstance(place, list):
                place = place[int(part)]
            else:
                if place.get(part) is None:
                    place[part] = {}
                place = place[part]
        parsed, repeated = yaml.safe_load(value), find_repeated_keys(compose(value))
        if repeated:
            raise SetupError(f"--set {key}: `{'.'.join(repeated[0].path)}` is given {len(repeated[0].lines)} times.")
        if isinstance(place, list):
            place[int(last)] = parsed
        else:
            place[last] = parsed
    except (AttributeError, TypeError, ValueError, IndexError):
        raise SetupError(f"--set {key}: there is nothing to set at {key!r}.") from None
    except yaml.YAMLError:
        raise SetupError(f"--set {key}: the value is not valid YAML.") from None
