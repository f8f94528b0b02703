"""`docmatix ablate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from docmatix.cli.arguments import add_config, positive
from docmatix.cli.output import FINISHED, print_block, print_result

_DESCRIPTION = """\
Put the same pages through each prompt, and compare what comes out: pairs kept and why others were dropped, tokens per
kept pair, grounding, unique questions, diversity, answer lengths. With checks in `verify`, also how many pairs agree
with a second answer, what a judge finds of them, and what of that each thousand tokens buys.

  docmatix ablate pipelines/docmatix.yaml --prompts broad_whole,broad_details,extractive

prints a table, and writes to DIR (default: runs/NAME-ablation):

  ablation.html   the table, plots, and what each prompt made of the same pages
  ablation.json   the figures, for programs
  PROMPT/         a complete run for each prompt; try `docmatix inspect DIR/PROMPT --pairs`

Replies are kept. Rerunning the command asks the model only for prompts that were edited or added, and with a higher
--limit only about the additional documents. Filters can be changed freely
(--set 'curate.filters=[{kind: grounded, min_score: 0.8}]'): nothing is asked again.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = _DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--prompts",
        required=True,
        metavar="A,B,C",
        help="names of prompts/*; their settings come from the configuration",
    )
    parser.add_argument("--limit", type=positive, default=20, metavar="N", help="documents to ask about (default: 20)")
    parser.add_argument("--run", metavar="DIR", help="the directory, a path or URL (default: runs/NAME-ablation)")
    add_config(parser)


def run(options: argparse.Namespace) -> int:
    from docmatix.config.loading import load_config
    from docmatix.driver.chatter import without_chatter
    from docmatix.driver.progress import Progress
    from docmatix.review.ablation import ablate

    config = load_config(options.config, overrides=options.overrides)
    with without_chatter() as stderr:
        ablation = ablate(
            config,
            [name.strip() for name in options.prompts.split(",") if name.strip()],
            config_dir=Path(options.config).resolve().parent,
            run=options.run,
            limit=options.limit,
            progress=Progress(stderr),
        )
    print_block(f"{ablation.describe()}\n")
    print_result(f"Plots and pairs side by side: {ablation.run}/ablation.html")
    return FINISHED
