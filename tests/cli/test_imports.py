"""What a command imports: a verb that only reads starts without Ray and without the driver."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs import FakeClient, build, make_job
from tests.pdfs import write_pdf

_READING = ("status", "check", "inspect", "report")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    job = make_job(tmp_path_factory.mktemp("built"), pdfs={"one.pdf": write_pdf("The total is 41.50 dollars.")})
    build(job, client=FakeClient())
    return Path(job.run.root)


def list_imported(verb: str, run: Path) -> set[str]:
    """The modules that a fresh interpreter has imported after running the verb."""
    code = (
        "import sys; from docmatix.cli import main; code = main(sys.argv[1:]);"
        " print(*sys.modules, sep='\\n', file=sys.stderr); sys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", code, verb, str(run)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.splitlines())


def test_the_parser_of_all_verbs_imports_nothing_heavy() -> None:
    heavy = "ray", "pyarrow", "PIL", "pydantic", "fsspec", "jinja2", "docmatix.config", "docmatix.storage.run"
    code = f"import sys, docmatix.cli; docmatix.cli.make_parser(); print(*sys.modules.keys() & {set(heavy)!r})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []


@pytest.mark.parametrize("verb", _READING)
def test_a_verb_that_only_reads_does_not_import_ray(verb: str, run: Path) -> None:
    assert "ray" not in list_imported(verb, run)


@pytest.mark.parametrize("verb", _READING)
def test_a_verb_that_only_reads_does_not_import_the_driver(verb: str, run: Path) -> None:
    """What shows progress and reads the records of a live run is not what drives one."""
    driver = {f"docmatix.driver.{name}" for name in ("build", "workers", "ray_cluster")}
    assert not driver & list_imported(verb, run)


def test_status_imports_neither_what_reads_and_renders_documents_nor_what_asks_and_judges(run: Path) -> None:
    """It reads records: half of its time in a run of twenty thousand shards was imports."""
    heavy = {
        *("pyarrow", "numpy", "pymupdf", "PIL", "aiohttp", "tokenizers", "rich", "matplotlib", "py3langid", "rensa"),
        *("docmatix.facts.layout", "docmatix.prompting.planned_requests", "docmatix.prompting.replies"),
        *("docmatix.pdf.reading", "docmatix.pdf.rendering", "docmatix.pdf.ocr.shapes", "docmatix.models.client"),
        *("docmatix.models.load_balancer", "docmatix.stages.pack", "docmatix.storage.parquet", "docmatix.dataset"),
    }
    assert not heavy & list_imported("status", run)
