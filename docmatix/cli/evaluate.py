"""`docmatix evaluate`."""

from __future__ import annotations

import argparse

from docmatix.cli.arguments import add_dataset, positive
from docmatix.cli.output import FAILED, FINISHED, print_block, print_result

_DESCRIPTION = """\
Have a model answer the questions of a dataset, and score its answers: ANLS, exact match, numbers, token F1, agreement;
with --judge, the verdict of another model (LAVE). Each question is asked a second time without its pages.

  docmatix evaluate runs/quickstart --engine pipelines/quickstart.yaml --limit 50

the model that a build uses answers from the texts that the run has read.

  docmatix evaluate lmms-lab/DocVQA --split validation --limit 500 \\
      --engine '{kind: openai, base_url: "http://localhost:8000/v1", model: Qwen/Qwen2.5-VL-7B-Instruct, vision: true}'

a model that sees pictures answers from the pages. Known without further settings are the datasets of docmatix, the
published Docmatix, DocVQA and MP-DocVQA as on the Hub or as JSON, and the exports docvqa and mp-docvqa. For others,
--config names the columns:

  engine: {kind: vllm, model: Qwen/Qwen2.5-VL-7B-Instruct, vision: true}
  columns: {question: query, answers: answers, images: [image]}

A table is printed, and DIR has predictions.parquet, summary.json, report.html, and every reply: rerunning the command
resumes the evaluation, and asks nothing twice.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = _DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_dataset(parser)
    parser.add_argument(
        "--engine",
        metavar="FILE|YAML",
        help="the model that answers: a YAML file with an engine or with the configuration of a build, or YAML itself",
    )
    parser.add_argument("--judge", metavar="FILE|YAML", help="a model that judges the answers (default: none)")
    parser.add_argument(
        "--from",
        dest="source",
        choices=("pages", "text", "both"),
        help="what is answered from (default: pages if the engine has `vision: true`, else text)",
    )
    parser.add_argument(
        "--split",
        metavar="NAME",
        help="such as test, or CONFIG/test (default: train, or the first of the card)",
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="ask only the first N questions")
    parser.add_argument(
        "-o", "--out", metavar="DIR", help="a path or URL (default: evaluations/NAME-MODEL in the current folder)"
    )
    parser.add_argument("--config", metavar="FILE", help="the settings of the evaluation, a YAML file")


def run(options: argparse.Namespace) -> int:
    from docmatix.driver.chatter import without_chatter
    from docmatix.driver.progress import Progress
    from docmatix.evaluation.evaluating import REPORT_FILE, evaluate_model
    from docmatix.evaluation.settings import load_evaluation

    settings, config_dir = load_evaluation(
        options.config, engine=options.engine, judge=options.judge, source=options.source
    )
    with without_chatter() as stderr:
        evaluated = evaluate_model(
            options.path,
            settings,
            config_dir=config_dir,
            split=options.split,
            limit=options.limit,
            out=options.out,
            progress=Progress(stderr),
        )
    print_block("\n".join(evaluated.describe()) + "\n")
    print_result(f"Predictions, figures and the worst mistakes: {evaluated.folder}/{REPORT_FILE}")
    return FINISHED if evaluated.summary["overall"]["answered"] else FAILED
