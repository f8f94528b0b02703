"""Completes a dataset once all its files are packed: statistics, plots, samples, and the card last."""

from __future__ import annotations

import importlib.metadata
import json

from docmatix.config.description import describe_build
from docmatix.dataset.card import draw_samples, name_plot, name_sample, write_card
from docmatix.dataset.plots import list_titles, plot_statistics
from docmatix.dataset.stats import Statistics, summarise
from docmatix.pipeline import CURATE, GENERATE, PACK
from docmatix.prompting.draws import DrawCounts
from docmatix.stages.support.job import Job
from docmatix.storage.checksums import has_unaltered, write_checksums


def finish_dataset(job: Job) -> None:
    """Write `stats.json`, plots, pictures of samples and, last of all, the card: with it the dataset is whole.

    Where all of it would be as it is, nothing is written: a finished dataset never loses its card for a moment.
    """
    statistics = Statistics()
    for _, extra in job.run.extras(CURATE):
        statistics.add_dropped(extra["dropped"])
    packed = [record for _, record in job.run.records(PACK)]
    for record in packed:
        statistics.add(record.extra["statistics"])
    ledgers = {stage: job.run.ledger(stage).to_json() for stage in job.stages}
    summary = summarise(statistics, ledgers=ledgers, pack=job.config.pack)
    samples = draw_samples(job.run.store, packed, seed=job.config.seed)
    titles = list_titles(summary)
    card = write_card(
        describe_build(job.config),
        summary,
        prompts=[prompt for _, prompt in sorted(job.written_prompts.items())],
        fingerprints={stage: job.fingerprints[stage] for stage in job.stages},
        versions={name: importlib.metadata.version(name) for name in ("docmatix", "pymupdf", "pillow")},
        samples=samples,
        plots=titles,
        drawn=DrawCounts.add_up(extra.get("drawn", {}) for _, extra in job.run.extras(GENERATE)),
    )
    figures = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
    written = {"dataset/README.md": card.encode(), "dataset/stats.json": figures.encode()}
    same = all(job.run.exists(name) and job.run.read(name) == content for name, content in written.items())
    if same and has_unaltered(job.run.store, "dataset/plots/", "dataset/samples/"):
        write_checksums(job.run.store, packed)  # limits and addresses in run.yaml may be others
        return
    job.run.remove("dataset/README.md", "dataset/plots", "dataset/samples")
    plots = plot_statistics(summary, format="png", background="white")
    written |= {f"dataset/{name_plot(title)}": plots[title] for title in titles}
    written |= {f"dataset/{name_sample(number)}": sample.picture for number, sample in enumerate(samples, 1)}
    for name in list(written)[1:]:
        job.run.write(name, written[name])
    write_checksums(job.run.store, packed, contents=written)
    job.run.write("dataset/README.md", written["dataset/README.md"])
