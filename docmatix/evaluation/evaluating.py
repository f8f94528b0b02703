"""The verb `evaluate`: a model answers the questions of a data set, and its answers are scored.

OUT/evaluation.yaml       the settings, without secrets
OUT/predictions.parquet   a row for each question
OUT/summary.json          the figures
OUT/report.html           the figures, and the worst mistakes with their pages
OUT/answers/replies/ OUT/verdicts/replies/    what the models wrote
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import threading
import time
from array import array
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from docmatix.core.errors import BuildError, SetupError
from docmatix.core.redaction import hide_in_url
from docmatix.core.terminal import sanitize_for_terminal
from docmatix.driver.progress import Progress
from docmatix.evaluation.asking import Planner, Usage, answer_questions, judge_answers
from docmatix.evaluation.groups import describe_summary, summarise
from docmatix.evaluation.lave import PROMPT as VERDICT
from docmatix.evaluation.predictions import PREDICTIONS
from docmatix.evaluation.questions import Questions
from docmatix.evaluation.report_page import make_page
from docmatix.evaluation.server import ModelServer
from docmatix.evaluation.settings import Evaluation, dump_evaluation
from docmatix.models.engine import Engine
from docmatix.models.preflight import read_api_key
from docmatix.prompting.prompt_files import find_prompt_directories, load_prompts
from docmatix.prompting.prompts import Prompt, tune_prompt
from docmatix.storage.lock import LOCK
from docmatix.storage.parquet import ShardWriter, read_rows
from docmatix.storage.run import Run

PREDICTIONS_FILE, SUMMARY_FILE, SETTINGS_FILE, REPORT_FILE = (
    *("predictions.parquet", "summary.json", "evaluation.yaml", "report.html"),
)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Where an evaluation is, and its figures, as in its `summary.json`. Its display is a table."""

    folder: str
    summary: dict[str, Any] = field(repr=False)

    def describe(self) -> list[str]:
        """Lines for the terminal."""
        asked = self.summary["evaluation"]
        split = f", split {asked['split']}" if asked["split"] else ""
        lines = [sanitize_for_terminal(f"{asked['model']} on {asked['dataset']}{split}, from {asked['from']}")]
        left_out = ", ".join(f"{reason} {number:,}" for reason, number in asked["left_out"].items())
        lines += [f"Left out of the data set: {left_out}"] if left_out else []
        return [*lines, "", *describe_summary(self.summary)]

    def predictions(self) -> Any:
        """The predictions as a pandas frame."""
        import pandas

        return pandas.DataFrame(list(read_rows(Run(self.folder).store, PREDICTIONS_FILE)), columns=PREDICTIONS.names)

    def __repr__(self) -> str:
        return "\n".join(self.describe())


def evaluate_model(
    path: str,
    settings: Evaluation,
    *,
    config_dir: Path,
    split: str | None = None,
    limit: int | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluated:
    """Have the model answer the questions of a run, a data set's folder or a repository, at most the first `limit`, and
    write what came of it to `out` (default: `evaluations/NAME-MODEL`); the same call resumes it. Raises SetupError
    before anything is asked, and BuildError if it cannot go on."""
    work = _Evaluation(path, settings, config_dir, split, limit, progress or Progress(quiet=True), out)
    with work.run.locked():
        claimed = work.claim_folder()
        try:
            _run_in_loop(work.ask())
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise BuildError("Interrupted: rerun the command to resume the evaluation.") from None
        except SetupError:
            if claimed:  # a command that was wrong leaves nothing behind
                work.run.remove(SETTINGS_FILE)
            raise
        return work.finish()


class _Evaluation:
    """One evaluation while it runs."""

    def __init__(
        self,
        path: str,
        settings: Evaluation,
        config_dir: Path,
        split: str | None,
        limit: int | None,
        progress: Progress,
        out: str | Path | None,
    ) -> None:
        self.path, self.settings, self.split, self.limit, self.progress = path, settings, split, limit, progress
        engines = [settings.engine, *([settings.judge] if settings.judge is not None else [])]
        for engine in engines:
            read_api_key(engine.key_variable)  # refuses a missing one before anything is touched
        self.prompts = _load_prompts(settings, config_dir)
        self.questions = Questions(path, settings, split=split)
        self.run = Run(out or Path("evaluations") / name_evaluation(path, settings.engine, split=split))
        self.run.require_reachable()
        self.usage: dict[str, Usage] = {"answers": Usage()}
        self.positions = array("Q")
        """Of the row of each question, so that its pages are found again."""

    def claim_folder(self) -> bool:
        """Write the settings; returns whether the folder was empty. Raises SetupError for one with something else."""
        facts = {"dataset": hide_in_url(self.path), "split": self.split, "limit": self.limit}
        known = self.run.exists(SETTINGS_FILE)
        if known:
            try:
                held = yaml.safe_load(self.run.read(SETTINGS_FILE))
            except yaml.YAMLError:
                held = None
            if not isinstance(held, dict):
                raise SetupError(f"{self.run.url}/{SETTINGS_FILE} is damaged: give another folder with -o.")
            for key in ("dataset", "split"):
                if held.get(key) != facts[key]:
                    raise SetupError(
                        f"{self.run.url} holds another evaluation (its {key} is {held.get(key)!r}, not {facts[key]!r}):"
                        " give another folder with -o."
                    )
        elif others := sorted(set(self.run.names("")) - {LOCK}):
            raise SetupError(
                f"{self.run.url} is not an evaluation and not empty (it holds {others[0]}): give another folder with"
                " -o."
            )
        self.run.write(SETTINGS_FILE, dump_evaluation(self.settings, **facts).encode())
        return not known

    async def ask(self) -> None:
        """Have the questions answered and the answers judged; one server at a time, if there are two."""
        judge = self.settings.judge
        async with self._serve(self.settings.engine) as server:
            await server.watch(self._answer(server))
            if judge is not None and judge == self.settings.engine:
                await server.watch(self._judge(server))
        if judge is not None and judge != self.settings.engine:
            async with self._serve(judge) as server:
                await server.watch(self._judge(server))

    def _serve(self, engine: Engine) -> ModelServer:
        return ModelServer(
            engine,
            resources=self.settings.resources,
            most_pictures=self.questions.most_pages,
            run=self.run,
            say=self.progress.say,
        )

    async def _answer(self, server: ModelServer) -> None:
        prompts = self.prompts
        planner = Planner(self.settings, prompts["prompt"], prompts.get("blind"))
        questions = islice(self.questions, self.limit)
        names = self.settings.prompt, self.settings.blind_prompt
        usage = self.usage["answers"]
        answered = answer_questions(questions, planner, names, server=server, run=self.run, usage=usage)

        async def note_positions() -> AsyncGenerator[dict[str, Any], None]:
            async with aclosing(answered):
                async for question, row in answered:
                    self.positions.append(question.position)
                    yield row

        await self._write(note_positions(), name="answers", total=self.limit)
        if not self.positions:
            left = ", ".join(f"{reason} {number:,}" for reason, number in self.questions.left_out.reasons.items())
            hidden = "; the answers of a hidden test set are not published" if "no_answer" in left else ""
            raise SetupError(
                f"{self.path} has no question to ask ({left or 'it is empty'}{hidden}): give another data set, or"
                " another --split."
            )

    async def _judge(self, server: ModelServer) -> None:
        self.usage["verdicts"] = Usage()
        rows = read_rows(self.run.store, PREDICTIONS_FILE)
        judged = judge_answers(
            rows,
            self.prompts["verdict"],
            server=server,
            seed=self.settings.seed,
            run=self.run,
            usage=self.usage["verdicts"],
        )
        await self._write(judged, name="verdicts", total=len(self.positions))

    async def _write(self, rows: AsyncGenerator[dict[str, Any], None], *, name: str, total: int | None) -> None:
        """Write the predictions anew, whole or not at all."""
        done = 0
        with self.progress.stage(name, total, unit="questions") as shown, self.run.writing("") as pending:
            writer = ShardWriter(pending, PREDICTIONS)
            async with aclosing(rows):
                async for row in rows:
                    writer.add(row)
                    done += 1
                    shown.update(done, {})
            writer.close()
            pending.publish(PREDICTIONS_FILE)

    def finish(self) -> Evaluated:
        """Sum up, and write the summary and the report."""
        figures = summarise(self.read_predictions())
        answers = self.usage["answers"]
        judge = self.settings.judge
        facts = {
            "dataset": hide_in_url(self.path),
            "split": self.split,
            "model": self.settings.engine.model_name,
            "judge": judge and judge.model_name,
            "from": self.settings.source,
            "left_out": dict(sorted(self.questions.left_out.reasons.items())),
            "failures": answers.details,
            "usage": {name: usage.to_json() for name, usage in self.usage.items()},
        }
        summary = {"evaluation": facts, **figures}
        self.run.write(SUMMARY_FILE, (json.dumps(summary, indent=1, ensure_ascii=False) + "\n").encode())
        self._write_report(summary)
        return Evaluated(self.run.root if self.run.local else self.run.url, summary)

    def _write_report(self, summary: Mapping[str, Any]) -> None:
        facts = {name: summary["evaluation"][name] for name in ("model", "judge", "dataset", "split", "from")}
        facts["date"] = time.strftime("%Y-%m-%d")
        settings = facts | yaml.safe_load(dump_evaluation(self.settings))["settings"]
        page = make_page(
            lambda columns: read_rows(self.run.store, PREDICTIONS_FILE, columns=columns),
            summary=summary,
            settings=settings,
            pictures=self.read_pictures,
        )
        self.run.write(REPORT_FILE, page.encode("utf-8", "replace"))

    def read_predictions(self) -> Iterator[dict[str, Any]]:
        return read_rows(self.run.store, PREDICTIONS_FILE)

    def read_pictures(self, example_id: str) -> list[bytes]:
        """The page images of a question, as they are in the data set."""
        ids = read_rows(self.run.store, PREDICTIONS_FILE, columns=["example_id"])
        for position, row in zip(self.positions, ids, strict=False):
            if row["example_id"] == example_id:
                return self.questions.read_images(position, example_id)
        return []


def name_evaluation(path: str, engine: Engine, *, split: str | None) -> str:
    """The name of an evaluation's folder."""
    parts = [path.rstrip("/").rsplit("/", 1)[-1].removesuffix(".json"), split, engine.model_name.rsplit("/", 1)[-1]]
    return "-".join(re.sub(r"[^A-Za-z0-9._]+", "-", part).strip("-.") for part in parts if part) or "evaluation"


def _load_prompts(settings: Evaluation, config_dir: Path) -> dict[str, Prompt]:
    """The prompts, each for the engine that it is sent to. Raises SetupError for one that is missing or of another
    family."""
    wanted = {"prompt": (settings.prompt, "answer_again", settings.engine)}
    if settings.blind:
        wanted["blind"] = settings.blind_prompt, "answer_blind", settings.engine
    if settings.judge is not None:
        wanted["verdict"] = VERDICT, VERDICT, settings.judge
    if settings.prompts_dir is not None and not Path(settings.prompts_dir).is_dir():
        raise SetupError(f"`prompts_dir` is {settings.prompts_dir}, which is not a folder.")
    directories = find_prompt_directories(config_dir, settings.prompts_dir)
    loaded = load_prompts(dict.fromkeys(name for name, _, _ in wanted.values()), directories)
    for name, family, _ in wanted.values():
        if loaded[name].family != family:
            raise SetupError(f"The prompt `{name}` has the family `{loaded[name].family}`, not {family}.")
    return {key: _tune(loaded[name], engine) for key, (name, _, engine) in wanted.items()}


def _tune(prompt: Prompt, engine: Engine) -> Prompt:
    """The prompt with the sampling of the engine that it is sent to, and the arguments of its chat template."""
    return tune_prompt(
        prompt,
        sampling=engine.sampling.to_body(),
        model=engine.choose_model(None),
        extra=engine.template_fields,
    )


def _run_in_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine, in a thread of its own where a loop runs already, as in a notebook."""
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def run() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        running.append((loop, task))
        if threading.current_thread() is threading.main_thread():
            # by which batch systems announce that time is up: the latest replies are still written
            loop.add_signal_handler(signal.SIGTERM, task.cancel)
        await work

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(run())
        return
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(asyncio.run, run())
        try:
            ended.result()
        except KeyboardInterrupt:
            for loop, task in running:
                loop.call_soon_threadsafe(task.cancel)
            raise
