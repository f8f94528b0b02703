"""Reading a configuration from YAML or a mapping, with its relative paths resolved, and writing it without secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from docmatix.config import Config
from docmatix.config.wording import explain
from docmatix.core.errors import SetupError


def load_config(path: str | Path, *, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration file, apply `--set` overrides (`key.sub=value`, the value in YAML) and resolve relative
    paths against the file's folder. Raises SetupError for a missing file, broken YAML, an unknown key or an invalid
    value, in one sentence that names it."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SetupError(f"The configuration file {path} does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The configuration file {path} cannot be read: {error}.") from None
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" at line {place.line + 1}" if place else ""
        raise SetupError(f"{path} is not valid YAML{where}: {getattr(error, 'problem', None) or error}.") from None
    if not isinstance(content, dict):
        raise SetupError(f"{path} must hold a mapping with the keys name, source and generate.")
    for override in overrides:
        _apply_override(content, override)
    return resolve_paths(parse_config(content, origin=str(path)), base_dir=path.resolve().parent)


def parse_config(content: Mapping[str, Any], *, origin: str = "the configuration") -> Config:
    """Validate a mapping. Raises SetupError with one sentence about the first problem."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise SetupError(f"{origin}: {explain(error, content)}") from None


def resolve_paths(config: Config, *, base_dir: Path) -> Config:
    """Make the relative paths of a configuration absolute; URLs stay as they are."""

    def absolute(path: str) -> str:
        return path if "://" in path else str(base_dir / Path(path).expanduser())

    source = config.source.model_copy(update={"paths": tuple(absolute(path) for path in config.source.paths)})
    generate = config.generate
    if generate.prompts_dir is not None:
        generate = generate.model_copy(update={"prompts_dir": absolute(generate.prompts_dir)})
    generate = generate.model_copy(update={"engine": generate.engine.resolve_paths(absolute)})
    verify = config.verify
    if verify is not None and verify.engine is not None:
        verify = verify.model_copy(update={"engine": verify.engine.resolve_paths(absolute)})
    return config.model_copy(update={"source": source, "generate": generate, "verify": verify})


def dump_config(config: Config) -> str:
    """The configuration as YAML with its defaults, without secrets: keys are named by variable, and secrets in
    addresses, `env` and `extra_args` are masked (`docmatix.core.redaction`)."""
    content = config.model_dump(mode="json", by_alias=True)
    config.source.hide_secrets(content["source"])
    config.generate.engine.hide_secrets(content["generate"]["engine"])
    if config.verify:
        config.verify.hide_secrets(content["verify"])
        if config.verify.engine:
            config.verify.engine.hide_secrets(content["verify"]["engine"])
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
        parsed = yaml.safe_load(value)
        if isinstance(place, list):
            place[int(last)] = parsed
        else:
            place[last] = parsed
    except (AttributeError, TypeError, ValueError, IndexError):
        raise SetupError(f"--set {key}: there is nothing to set at {key!r}.") from None
    except yaml.YAMLError:
        raise SetupError(f"--set {key}: the value is not valid YAML.") from None
