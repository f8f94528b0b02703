"""The notebooks run from top to bottom, show pictures, and are committed without what they showed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.builds import write_config
from tests.jobs import build, make_job
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import start_scripted_server

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two runs over the same documents with different filters; the first one dropped some pairs."""
    made = {}
    for name, chars in (("one", 14), ("other", 12)):
        folder = tmp_path_factory.mktemp(name)
        filters = [{"kind": "length", "max_answer_chars": chars}, {"kind": "grounded"}]
        pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(4)}
        build(make_job(folder, pdfs=pdfs, curate={"filters": filters}, pack={"dpi": 36}))
        made[name] = folder / "run"
    return made


def run_notebook(path: Path, *, environment: dict[str, str], folder: Path) -> Any:
    """The notebook with its outputs; raises CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    with warnings.catch_warnings():
        # of the Jupyter packages among themselves
        warnings.simplefilter("ignore")
        # told of pytest, a kernel would not listen on its own streams as it does for people
        inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        asyncio.run(client.async_execute(env={**inherited, **environment}))
    return notebook


def list_html(notebook: Any) -> list[str]:
    outputs = (output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    return [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path):
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_pictures(path, runs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(runs["one"], run)
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    environment = {"DOCMATIX_RUN": str(run), "DOCMATIX_OTHER_RUN": str(runs["other"])}
    notebook = run_notebook(path, environment=environment, folder=tmp_path)
    shown = list_html(notebook)
    assert any('<img src="data:image/jpeg;base64,' in html for html in shown)
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == before


@pytest.mark.slow
def test_a_build_in_a_notebook_shows_its_result_and_no_line_of_ray(tmp_path):
    (tmp_path / "pdfs").mkdir()
    (tmp_path / "pdfs" / "one.pdf").write_bytes(write_distinct_pdf(1))
    cells = [
        "import os, docmatix",
        f"built = docmatix.build('trial.yaml', run={str(tmp_path / 'run')!r})",
        "os.write(1, b'heard again'); built",
        "built.open()[0]",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    path = tmp_path / "build.ipynb"
    nbformat.write(notebook, path)
    with start_scripted_server() as server:
        write_config(tmp_path, tmp_path / "pdfs", server.base_url)
        shown = run_notebook(path, environment={}, folder=tmp_path)
    assert "".join(output.get("text", "") for output in shown.cells[1].outputs) == ""
    streams = [output.text for output in shown.cells[2].outputs if output.output_type == "stream"]
    assert "heard again" in "".join(streams)
    summary, sample = list_html(shown)
    assert "1 rows" in summary
    assert '<img src="data:image/jpeg;base64,' in sample


def test_there_are_two_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["inspect", "tune_filters"]
