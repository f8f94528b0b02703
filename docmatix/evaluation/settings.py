"""The configuration of an evaluation: which model answers, what it is shown, and where a data set keeps what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from docmatix.config import Resources
from docmatix.config.wording import list_mistakes
from docmatix.core.errors import SetupError
from docmatix.core.settings import NOT_FINGERPRINTED, Section
from docmatix.core.yaml_places import compose, find_repeated_keys
from docmatix.models import AnyEngine
from docmatix.models.engine import Engine
from docmatix.pipeline import GENERATE

From: TypeAlias = Literal["pages", "text", "both"]
_MOST_MISTAKES = 20
_SETTINGS = "settings"  # the key of `evaluation.yaml` that has them


class Columns(Section):
    """The names of a data set's columns. Those of known shapes are found without."""

    id: str | None = None
    question: str | None = None
    answers: str | None = None
    """A text, or several of which each is right: a list, or a list written as a text."""
    images: str | tuple[str, ...] = ()
    """Columns of one page image each, in order, or a column with a list of them."""
    page_texts: str | None = None
    """A text, or a list with one for each page."""
    doc_id: str | None = None
    prompt: str | None = None
    style: str | None = None
    kind: str | None = None
    language: str | None = None


class SentPictures(Section):
    """The page images of the data set, as a model is sent them: as JPEG, and not too large."""

    max_side_px: int = Field(1540, ge=64)
    """The longest side; larger pages are scaled down."""
    quality: int = Field(85, ge=1, le=100)
    """JPEG quality."""


class Evaluation(Section):
    """Which model answers the questions of a data set, from what, and which one judges the answers."""

    engine: AnyEngine
    """As in `generate.engine` of a build. Its `sampling` overrides that of the prompt file; one that thinks needs a
    higher `max_tokens`."""
    judge: AnyEngine | None = None
    """The model that judges the answers; without it, there is no verdict."""
    from_: From | None = Field(None, alias="from")
    """What is answered from: the `pages` as pictures, their `text`, or `both`. By default pages, if the engine has
    `vision`, else text."""
    pictures: SentPictures = SentPictures()
    max_pages: int = Field(20, ge=1)
    """Questions with more pages are not asked (`too_many_pages`)."""
    blind: bool = True
    """Ask each question a second time without its pages, which tells what can be guessed or is known."""
    prompt: str = "answer_again"
    """A prompt file of the family `answer_again`."""
    blind_prompt: str = "answer_blind"
    """One of the family `answer_blind`."""
    prompts_dir: Annotated[str | None, NOT_FINGERPRINTED] = None
    """The first place to look for prompt files."""
    columns: Columns = Columns()
    seed: int = 0
    resources: Annotated[Resources, NOT_FINGERPRINTED] = Resources()
    """Ray's, for an engine that the evaluation starts on it (`vllm`)."""

    @field_validator("engine", "judge")
    @classmethod
    def _check_engine(cls, engine: Engine | None, _: ValidationInfo) -> Engine | None:
        if engine is not None and not engine.has_model:
            raise ValueError("the engine `none` answers nothing: name another one")
        return engine

    @field_validator("from_")
    @classmethod
    def _check_from(cls, source: From | None, given: ValidationInfo) -> From | None:
        engine = given.data.get("engine")  # not there if it is wrong itself
        if source in ("pages", "both") and engine is not None and not engine.vision:
            raise ValueError("the engine sees no pictures: set its `vision: true`, or `from: text`")
        return source

    @property
    def source(self) -> From:
        """What is answered from."""
        return self.from_ or ("pages" if self.engine.vision else "text")

    def resolve_paths(self, base_dir: Path) -> Self:
        """A copy whose relative paths, but for those of its engines, start at a folder."""
        if self.prompts_dir is None:
            return self
        return self.model_copy(update={"prompts_dir": str(base_dir / Path(self.prompts_dir).expanduser())})


def load_evaluation(
    config: str | Path | Mapping[str, Any] | None = None,
    *,
    engine: str | Path | Mapping[str, Any] | Engine | None = None,
    judge: str | Path | Mapping[str, Any] | Engine | None = None,
    source: str | None = None,
) -> tuple[Evaluation, Path]:
    """The settings in a YAML file or mapping with what is given in place of its keys, and the folder of the file. An
    engine is one itself, a mapping, YAML, or a file: of an engine, a build or an evaluation. Raises SetupError."""
    content: dict[str, Any] = {}
    base_dir, origin = Path.cwd(), "the evaluation"
    if isinstance(config, Mapping):
        content = dict(config)
    elif config is not None:
        origin = str(config)
        base_dir = Path(config).resolve().parent
        content = _read_file(Path(config))
    given = {"engine": (content.get("engine"), base_dir), "judge": (content.get("judge"), base_dir)}
    for key, value in (("engine", engine), ("judge", judge)):
        if value is not None:
            given[key] = _find_engine(value, option=f"--{key}")
    for key, (value, _) in given.items():
        if value is not None:
            content[key] = value
    if source is not None:
        content["from"] = source
    if "engine" not in content:
        raise SetupError(
            "An evaluation needs a model: give --engine a YAML file, the configuration of a build, or a mapping such as"
            " '{kind: openai, base_url: \"http://localhost:8000/v1\", model: NAME}'."
        )
    try:
        settings = Evaluation.model_validate(content)
    except ValidationError as error:
        mistakes = [each.sentence for each in list_mistakes(error, content, root=Evaluation)]
        raise SetupError(f"{origin}: {' '.join(mistakes[:_MOST_MISTAKES])}") from None
    resolved = {
        key: held.resolve_paths(_starting_at(folder))
        for key, (_, folder) in given.items()
        if (held := getattr(settings, key)) is not None
    }
    return settings.model_copy(update=resolved).resolve_paths(base_dir), base_dir


def dump_evaluation(settings: Evaluation, **facts: Any) -> str:
    """The settings as YAML below other `facts`, without secrets; `load_evaluation` reads them again."""
    content = settings.model_dump(mode="json", by_alias=True)
    for key in ("engine", "judge"):
        if (engine := getattr(settings, key)) is not None:
            engine.hide_secrets(content[key])
    content["from"] = settings.source
    return yaml.safe_dump({**facts, _SETTINGS: content}, sort_keys=False, allow_unicode=True)


def _starting_at(folder: Path) -> Any:
    return lambda path: path if "://" in path else str(folder / Path(path).expanduser())


def _find_engine(given: str | Path | Mapping[str, Any] | Engine, *, option: str) -> tuple[Any, Path]:
    """What describes an engine, and the folder that its relative paths start at."""
    if isinstance(given, (Engine, Mapping)):
        return given, Path.cwd()
    if isinstance(given, Path) or _is_file(given):
        content, folder = _read_file(Path(given)), Path(given).resolve().parent
    else:
        content, folder = _parse(given, origin=option), Path.cwd()
        if not isinstance(content, dict):
            raise SetupError(
                f"{option}: there is no file {given!r}, and it is not a mapping such as '{{kind: openai, base_url:"
                ' "http://localhost:8000/v1", model: NAME}}\'.'
            )
    if "kind" in content:
        return content, folder
    generate = content.get(GENERATE)
    held = generate.get("engine") if isinstance(generate, dict) else content.get("engine")
    if not isinstance(held, dict):
        raise SetupError(f"{option}: {given} has neither `kind` nor `generate.engine` nor `engine`.")
    return held, folder


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a null in it
        return False


def _read_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SetupError(f"The file {path} does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The file {path} cannot be read: {error}.") from None
    content = _parse(text, origin=str(path))
    if not isinstance(content, dict):
        raise SetupError(f"{path} must hold a mapping.")
    left_by_evaluation = content.get(_SETTINGS)
    return left_by_evaluation if isinstance(left_by_evaluation, dict) else content


def _parse(text: str, *, origin: str) -> Any:
    try:
        content, repeated = yaml.safe_load(text), find_repeated_keys(compose(text))
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" at line {place.line + 1}" if place else ""
        raise SetupError(f"{origin} is not valid YAML{where}: {getattr(error, 'problem', None) or error}.") from None
    if repeated:
        raise SetupError(f"{origin}: {repeated[0].describe()}")
    return content
