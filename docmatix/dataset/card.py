"""The dataset card: what the dataset is and how it was built, from the configuration and `stats.json`, with samples.

Text from documents and models is escaped, so that no Markdown or HTML in it takes effect.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.resources import files
from typing import Any

import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from docmatix.core.bounds import Bound
from docmatix.core.draws import draw_places
from docmatix.core.pairs import FACTS, NO_MODEL, Scores
from docmatix.dataset.groups import KINDS
from docmatix.dataset.pictures import open_picture
from docmatix.dataset.score_table import list_estimates, list_scores
from docmatix.prompting.draws import DrawCounts
from docmatix.prompting.prompts import Prompt
from docmatix.storage.earlier_schemas import ADDED_BY_CHECKS, ADDED_BY_OCR, ADDED_TO_PAIRS, forget
from docmatix.storage.parquet import open_parquet
from docmatix.storage.records import Record
from docmatix.storage.schemas import DATASETS, VERIFIED_SCORES, describe_features
from docmatix.storage.store import Store

SIZES = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
SIZES += [(10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B")]
SIZES += [(10**11, "10B<n<100B"), (10**12, "100B<n<1T")]

LICENSES = frozenset(
    "apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m"
    " afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0"
    " cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0"
    " cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0"
    " cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl"
    " gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql"
    " ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license llama2 gemma unknown other".split()
)
"""What the Hub accepts in `license`; it refuses a card with anything else."""

LOAD = 'load_dataset("OWNER/NAME", split="train")'
"""The call that the card shows; `push` replaces it with the repository, the configuration and the split."""

SAMPLES = 5
_SHOWN_PAIRS = 4
_PICTURE_PX = (480, 640)
"""About 30 KB as JPEG: large enough to make out the layout, small enough for five on one page."""


@dataclass(frozen=True, slots=True)
class CardSample:
    """A row to show: one of its pages as a JPEG file, and its first pairs."""

    picture: bytes
    pairs: tuple[dict[str, str | None], ...]
    """`question`, `answer`, and `prompt` (None in a dataset without annotations)."""
    more: int
    """How many more pairs the row has."""


@dataclass(frozen=True, slots=True)
class BuildDescription:
    """What a card says about the build of a dataset."""

    name: str
    source: str
    models: tuple[str, ...]
    """The models that wrote pairs."""
    verifier: str | None
    schema: str
    license: str | None
    filters: tuple[tuple[str, Mapping[str, str]], ...]
    """Kind and settings of each filter."""
    settings: Mapping[str, str]
    """Further lines of the table of settings, as Markdown."""
    bounds: tuple[Bound, ...] = ()
    """Where its filters draw the line in scores."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Of the pairs that a check may see, the share that it drew, by score; all where it is not named."""


def write_card(
    build: BuildDescription,
    summary: Mapping[str, Any],
    *,
    prompts: Sequence[Prompt],
    fingerprints: Mapping[str, str],
    versions: Mapping[str, str],
    samples: Sequence[CardSample] = (),
    plots: Sequence[str] = (),
    drawn: DrawCounts | None = None,
) -> str:
    """The card as Markdown with YAML front matter; the same for the same dataset, whenever it is written. `summary` is
    the content of `stats.json`; `drawn` counts windows. The files of `plots`, which are titles, are at `name_plot`
    beside the card, the pictures of `samples` at `name_sample`."""
    environment = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.globals |= {"number": "{:,}".format, "tell": _tell, "percent": _percent}
    environment.globals |= {"code": write_code, "cell": _write_cell, "text": write_text}
    template = files("docmatix.dataset").joinpath("card.md.jinja").read_text(encoding="utf-8")
    body = environment.from_string(template).render(
        build=build,
        s=summary,
        annotated=build.schema == "annotated",
        versions=versions,
        fingerprints=fingerprints,
        prompts=prompts,
        models=_list_models(build, summary),
        authors=_name_authors(build, summary),
        facts=summary["by_prompt"].get(FACTS),
        source=build.source,
        license=_write_cell(build.license or "not stated"),
        filters=[_describe_filter(*each) for each in build.filters],
        figures=_list_figures(summary),
        kinds=_list_kinds(summary),
        ocr="ocr" in summary.get("pages_by_text_from", {}),
        samples=[
            {"path": name_sample(number), "pairs": sample.pairs, "more": sample.more}
            for number, sample in enumerate(samples, 1)
        ],
        drawn=drawn or DrawCounts(),
        plots={title: name_plot(title) for title in plots},
        snippets=_write_snippets(build, prompts),
        scores=", ".join(f"`{each.name}` ({each.metadata['meaning']})" for each in fields(Scores)),
        found_scores=list_scores(summary, build.bounds),
        estimates=list_estimates(summary, build.bounds, build.shares),
        compared=[name for name in ("agreement", "judged") if name in summary.get("scores", {})],
        asked=[name for name in summary.get("scores", {}) if name in VERIFIED_SCORES],
    )
    front = yaml.safe_dump(describe_metadata(build, summary), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{body}"


def describe_metadata(build: BuildDescription, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The front matter, as the Hub's validator accepts it."""
    size = next((name for bound, name in SIZES if summary["rows"] < bound), "n>1T")
    # language tags are ISO 639; the Hub refuses a card with any other
    languages = sorted(name for name in summary["rows_by_language"] if re.fullmatch(r"[a-z]{2,3}", name))
    payload = summary["image_bytes"] + summary["text_bytes"]
    schema = DATASETS[build.schema]
    # of an earlier version
    added = ((ADDED_BY_CHECKS, "scores"), (ADDED_BY_OCR, "by_text_from"), (ADDED_TO_PAIRS, "by_kind"))
    if later := [name for names, known_by in added if known_by not in summary for name in names]:
        schema = forget(schema, later)
    return {
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}],
        "dataset_info": {
            "features": describe_features(schema),
            "splits": [{"name": "train", "num_bytes": payload, "num_examples": summary["rows"]}],
            "download_size": summary["file_bytes"],
            "dataset_size": payload,
        },
        **_describe_license(build.license),
        "task_categories": ["visual-question-answering", "document-question-answering"],
        **({"language": languages} if languages else {}),
        "size_categories": [size],
        "tags": ["docmatix", "docvqa", "synthetic"],
        "pretty_name": build.name,
    }


def name_plot(title: str) -> str:
    """The path of a plot, relative to the card."""
    return f"plots/{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}.png"


def name_sample(number: int) -> str:
    """The path of a sample's picture (numbered from 1), relative to the card."""
    return f"samples/{number}.jpg"


# --- samples ----------------------------------------------------------------------------------------------------------


def draw_samples(store: Store, records: Sequence[Record], *, seed: int, count: int = SAMPLES) -> list[CardSample]:
    """`count` rows of a packed dataset, drawn by `seed`; one row group is in memory at a time."""
    places = draw_places(sum(record.rows for record in records), count, seed=seed)
    samples: list[CardSample] = []
    start = 0
    for record in records:
        within = [place - start for place in places if start <= place < start + record.rows]
        samples += [_make_sample(_read_row(store, record.file, place)) for place in within]
        start += record.rows
    return samples


def _read_row(store: Store, name: str, place: int) -> dict[str, Any]:
    with store.open(name) as stream, open_parquet(stream) as parquet:
        for number in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(number).num_rows
            if place < rows:
                row: dict[str, Any] = parquet.read_row_group(number, use_threads=False).slice(place, 1).to_pylist()[0]
                return row
            place -= rows
    raise LookupError(f"{name} has fewer rows than were committed")


def _make_sample(row: Mapping[str, Any]) -> CardSample:
    """The page with the first pair's evidence, or the first page, and the pairs."""
    notes = row.get("annotations") or [{}] * len(row["texts"])
    pages = [evidence["page"] for evidence in notes[0].get("evidence") or ()]
    page = row["page_numbers"].index(pages[0]) if pages and pages[0] in row["page_numbers"] else 0
    pairs = tuple(
        {"question": text["user"], "answer": text["assistant"], "prompt": note.get("prompt")}
        for text, note in zip(row["texts"], notes, strict=True)
    )
    return CardSample(_shrink_picture(row["images"][page]["bytes"]), pairs[:_SHOWN_PAIRS], len(pairs[_SHOWN_PAIRS:]))


def _shrink_picture(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with open_picture(content) as image:
        small = image.convert("L" if image.mode == "L" else "RGB")
        small.thumbnail(_PICTURE_PX)
        small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


# --- text -------------------------------------------------------------------------------------------------------------


def write_text(text: str, most: int) -> str:
    """Text of a document or a model, cut to `most` characters and escaped for Markdown and HTML: everything but
    letters, digits and spaces becomes a character reference, which is never markup."""
    line = " ".join(text.split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    return "".join(c if c.isalnum() or c == " " or ord(c) > 127 else f"&#{ord(c)};" for c in line if c.isprintable())


def write_code(text: str) -> str:
    """A name as a code span in a table cell."""
    line = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{line}`" if line else "-"


def _write_cell(text: str) -> str:
    """A sentence of the user's own in a table cell."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(text.split()))


def _tell(figure: float | None, digits: int = 2) -> str:
    return "-" if figure is None else f"{figure:,.{digits}f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


# --- content ----------------------------------------------------------------------------------------------------------


def _name_authors(build: BuildDescription, summary: Mapping[str, Any]) -> str:
    """Who made the pairs, in a sentence."""
    facts = "from facts of their pages (fields, tables, headings)"
    if set(build.models) == {NO_MODEL}:
        return f"Code made the pairs {facts}, without a language model."
    if FACTS in summary["by_prompt"]:
        return (
            f"Code made some of the pairs {facts}; a language model wrote the others from the text of the pages, and"
            " code chose among them."
        )
    return "A language model wrote the pairs from the text of the pages, and code chose among them."


def _list_models(build: BuildDescription, summary: Mapping[str, Any]) -> str:
    models = list(dict.fromkeys([*summary["by_model"], *build.models]))
    asked = ", ".join(map(write_code, models))
    if build.verifier is None or build.verifier in models:
        return asked
    return f"{asked}; verified by {write_code(build.verifier)}"


def _describe_filter(kind: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {"kind": kind, "settings": ", ".join(write_code(f"{name}: {value}") for name, value in settings.items())}


def _list_figures(summary: Mapping[str, Any]) -> dict[str, str]:
    return {
        "rows": f"{summary['rows']:,}",
        "documents": f"{summary['documents']:,}",
        "page images": f"{summary['pages']:,}",
        "pairs": f"{summary['pairs']:,}",
        "pairs a page": _tell(summary["pairs_per_page"]),
        "unique questions": _percent(summary["unique_question_share"]),
        "mean grounding": _tell(summary["grounding_mean"]),
        "pairs with evidence": _percent(summary["evidence_share"]),
        "megapixels a page image": _tell(summary["megapixels_per_page"]),
        "bytes a page image": _tell(summary["image_bytes_per_page"], 0),
        "megabytes of all files": _tell(summary["file_bytes"] / 1e6, 1),
        **_list_ocr_figures(summary),
    }


def _list_ocr_figures(summary: Mapping[str, Any]) -> dict[str, str]:
    """Nothing where every page has its text layer."""
    pages, pairs = summary.get("pages_by_text_from", {}), summary.get("pairs_by_text_from", {})
    if not {*pages, *pairs} - {"layer"}:
        return {}
    return {
        "pages read by OCR": _percent(pages.get("ocr", 0) / (summary["pages"] or 1)),
        "pages without text": _percent(pages.get("none", 0) / (summary["pages"] or 1)),
        "pairs read by OCR": _percent(pairs.get("ocr", 0) / (summary["pairs"] or 1)),
        "pairs about pictures of pages": _percent(pairs.get("none", 0) / (summary["pairs"] or 1)),
        "mean OCR confidence of a pair": _tell(summary["ocr_confidence_mean"]),
    }


def _list_kinds(summary: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The tables by prompt, style, model, kind of question and source of text; a single one of any but the first is
    left out, as it would repeat the totals."""
    groups = {kind: summary.get(f"by_{kind}", {}) for kind in KINDS}
    return {kind: names for kind, names in groups.items() if len(names) > (kind != "prompt")}


def _describe_license(license: str | None) -> dict[str, str]:
    if license is None:
        return {"license": "unknown"}
    if license.lower() in LICENSES:
        return {"license": license.lower()}
    if re.match(r"https?://", license):
        return {"license": "other", "license_name": "see-link", "license_link": license}
    return {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", license.lower()).strip("-") or "other"}


def _write_snippets(build: BuildDescription, prompts: Sequence[Prompt]) -> dict[str, str]:
    prompt = prompts[0].name if prompts else FACTS
    title = build.name.replace("_", "\\_")
    return {
        "load": "from datasets import load_dataset\n\n"
        f"dataset = {LOAD}  # or a folder; streaming=True reads as it goes\n"
        'dataset[0]["images"][0]  # a page\n'
        'dataset[0]["texts"]      # its pairs',
        "rows": "printed = dataset.filter(\n"
        '    lambda notes: any(note["scores"]["grounding"] == 1.0 for note in notes), input_columns="annotations"\n)',
        "pairs": "def choose(texts, notes):\n"
        "    chosen = [\n"
        "        number\n"
        "        for number, note in enumerate(notes)\n"
        f'        if note["prompt"] == {json.dumps(prompt)} and (note["scores"]["grounding"] or 0) >= 0.9\n'
        "    ]\n"
        '    return {"texts": [texts[i] for i in chosen], "annotations": [notes[i] for i in chosen]}\n\n\n'
        'chosen = dataset.map(choose, input_columns=["texts", "annotations"]).filter(bool, input_columns="texts")',
        "cite": f"@misc{{{re.sub(r'[^A-Za-z0-9]+', '-', build.name).strip('-').lower()},\n"
        f"  title        = {{{title}: a document visual question answering dataset}},\n"
        "  howpublished = {Built with docmatix},\n"
        "  note         = {Name here who published it, where and when}\n}",
    }
