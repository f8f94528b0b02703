"""Builds document visual question answering datasets: PDFs in, page images with question-answer pairs out.

`build`, `open` and `evaluate` are the Python counterparts of the command line; heavy imports wait until one is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docmatix.core.errors import BuildError, DocmatixError, SetupError

if TYPE_CHECKING:
    from docmatix.config import Config
    from docmatix.driver.progress import Progress
    from docmatix.evaluation.evaluating import Evaluated
    from docmatix.models.engine import Engine
    from docmatix.review.collection import Collection
    from docmatix.review.result import BuildResult

__all__ = ["BuildError", "Config", "DocmatixError", "SetupError", "__version__", "build", "evaluate", "open"]

__version__: str

if not TYPE_CHECKING:  # with this, a type checker would accept any name

    def __getattr__(name: str) -> Any:
        """Import on first use what is slow to import."""
        if name == "Config":
            from docmatix.config import Config

            return Config
        if name == "__version__":
            from importlib.metadata import version

            return version("docmatix")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def build(
    config: Config | Mapping[str, Any] | str | Path,
    *,
    run: str | Path | None = None,
    limit: int | None = None,
    stages: Sequence[str] | None = None,
    config_dir: str | Path | None = None,
    progress: Progress | None = None,
    trust_run: bool = False,
) -> BuildResult:
    """Build a dataset from a configuration (a `Config`, a mapping with the keys of the YAML file, or that file's path),
    or resume its build. Relative paths and prompts are looked up in `config_dir`: by default the file's folder or the
    current one. For the other arguments and what is raised see `docmatix.driver.build.build`."""
    from docmatix.config.loading import load_config, parse_config
    from docmatix.driver.build import build
    from docmatix.driver.chatter import without_chatter_in_notebooks
    from docmatix.review.result import BuildResult

    if isinstance(config, (str, Path)):
        config_dir = config_dir or Path(config).resolve().parent
        config = load_config(config)
    elif isinstance(config, Mapping):
        config = parse_config(dict(config))
    with without_chatter_in_notebooks():
        built = build(
            config,
            run=run,
            limit=limit,
            stages=stages,
            config_dir=None if config_dir is None else Path(config_dir),
            progress=progress,
            trust_run=trust_run,
        )
    return BuildResult(built.run, built.figures)


def open(path: str | Path, *, fetch: bool = False) -> Collection:
    """Open a run, a dataset folder or a Hub repository to inspect its rows, its pairs and what was dropped. With
    `fetch`, pages are also rendered from remote sources."""
    from docmatix.review.collection import Collection

    return Collection(str(path), fetch=fetch)


def evaluate(
    path: str | Path,
    *,
    engine: Engine | Mapping[str, Any] | str | Path | None = None,
    judge: Engine | Mapping[str, Any] | str | Path | None = None,
    config: Mapping[str, Any] | str | Path | None = None,
    split: str | None = None,
    limit: int | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluated:
    """Have a model answer the questions of a run, a dataset folder or a Hub repository, and score its answers; the same
    call resumes it. Engines are mappings, YAML, or files of an engine, a build or an evaluation; `config` is a file or
    mapping with the keys of `docmatix.evaluation.settings.Evaluation`. See `docs/evaluation.md`."""
    from docmatix.driver.chatter import without_chatter_in_notebooks
    from docmatix.evaluation.evaluating import evaluate_model
    from docmatix.evaluation.settings import load_evaluation

    settings, config_dir = load_evaluation(config, engine=engine, judge=judge)
    with without_chatter_in_notebooks():
        return evaluate_model(
            str(path), settings, config_dir=config_dir, split=split, limit=limit, out=out, progress=progress
        )
