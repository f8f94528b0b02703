"""The dataset card: what the dataset is and how it came about, from the configuration and `stats.json` alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from docmatix.config import Config
from docmatix.prompts import Prompt

_SIZES = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
_SIZES += [(10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M")]

_BODY = """\
# {{ config.name }}

A document visual question answering dataset: {{ "{:,}".format(s.pairs) }} question-answer pairs over
{{ "{:,}".format(s.pages) }} page images of {{ "{:,}".format(s.documents) }} documents, in
{{ "{:,}".format(s.rows) }} rows. Built with docmatix.

```python
from datasets import load_dataset

dataset = load_dataset("path/or/repo", split="train")
dataset[0]["images"][0]  # a page
dataset[0]["texts"]      # its pairs
```

## Fields

| field | what it holds |
| --- | --- |
| `images` | the pages of the sample, in order |
| `texts` | the pairs: `user` (question), `assistant` (answer), `source` |
{%- if config.pack.schema_ == "annotated" %}
| `sample_id`, `doc_id` | the document's hash and first page; the document's hash |
| `source_uri`, `page_numbers` | where the document came from; which pages (from 1), one for each image |
| `annotations` | for each pair: id, prompt, model, style, scores, evidence (page, quote, boxes in fractions of it) |
{%- endif %}

## How it was built

- Source: `{{ config.source.kind }}`
- Model: `{{ model }}`
- Prompts: {% for prompt in prompts %}`{{ prompt.name }}` ({{ prompt.style }}){{ ", " if not loop.last }}{% endfor %}
- Verified: {{ "`" ~ config.verify.kind ~ "`" if config.verify else "no" }}
- Filters: {% for filter in config.curate.filters %}`{{ filter.kind }}`{{ ", " if not loop.last }}{% endfor %}
- Pages: at most {{ config.window.max_pages }} a sample, {{ config.pack.dpi }} dpi, longest side at most
  {{ config.pack.max_side_px }} px, {{ config.pack.image_format }}
- Seed: {{ config.seed }}

## Ledger

What came in, what went out, and why the rest was dropped.

| stage | unit | in | out | dropped |
| --- | --- | ---: | ---: | --- |
{%- for stage, lines in s.ledger.items() %}
{%- for line in lines %}
| {{ stage }} | {{ line.unit }} | {{ line["in"] }} | {{ line.out }} | {% for reason, count in line.dropped.items() -%}
`{{ reason }}` {{ count }}{{ ", " if not loop.last }}{% endfor %} |
{%- endfor %}
{%- endfor %}

## Statistics

| | |
| --- | ---: |
{%- for name, figure in figures.items() %}
| {{ name }} | {{ figure }} |
{%- endfor %}
{%- for name, counts in tables.items() %}

| {{ name }} | count |
| --- | ---: |
{%- for value, count in counts.items() %}
| {{ value }} | {{ count }} |
{%- endfor %}
{%- endfor %}

## Limits

The questions and answers were written by a language model and chosen by code; some are wrong. The documents belong to
their authors{{ " (licence: " ~ config.pack.license ~ ")" if config.pack.license }}.
"""


def write_card(config: Config, summary: Mapping[str, Any], *, prompts: Mapping[str, Prompt]) -> str:
    """The card as Markdown with YAML front matter; the same for the same dataset, whenever it is written."""
    size = next((name for bound, name in _SIZES if summary["rows"] < bound), "n>100M")
    head = {
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}],
        "license": config.pack.license or "unknown",
        "task_categories": ["visual-question-answering", "document-question-answering"],
        "language": sorted(set(summary["rows_by_language"]) - {"unknown"}),
        "size_categories": [size],
        "tags": ["docmatix", "docvqa", "synthetic"],
        "pretty_name": config.name,
    }
    environment = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    tables = {
        "prompt": summary["pairs_by_prompt"],
        "style": summary["pairs_by_style"],
        "language (rows)": summary["rows_by_language"],
        "pages in a row": summary["rows_by_pages"],
        "words in an answer": summary["answer_words"],
    }
    figures = {
        "pairs a page": _tell(summary["pairs_per_page"]),
        "mean grounding": _tell(summary["grounding_mean"]),
        "share of pairs with evidence": _tell(summary["evidence_share"]),
        "bytes a page image": _tell(summary["image_bytes_per_page"], digits=0),
    }
    used = [prompts[name] for name in sorted(prompts) if name != "round_trip"]
    body = environment.from_string(_BODY).render(
        config=config, s=summary, tables=tables, figures=figures, prompts=used, model=config.generate.engine.model_name
    )
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{body}"


def _tell(figure: float | None, *, digits: int = 2) -> str:
    return "-" if figure is None else f"{figure:,.{digits}f}"
