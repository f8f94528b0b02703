"""A downloaded folder holds modules by the names of those that a build imports; a build in it must run none of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docmatix.core.import_path import clean_python_path, drop_current_folder
from tests.builds import write_config
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import start_scripted_server

HOSTILE = (
    "json pickle pandas pyarrow click ray numpy yaml pydantic aiohttp uvloop orjson fsspec jinja2 rensa psutil pymupdf"
    " pdfplumber PIL matplotlib tokenizers rich py3langid multiprocessing requests xllamacpp sitecustomize"
).split()


@pytest.fixture
def hostile_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "downloaded"
    folder.mkdir()
    for name in HOSTILE:
        (folder / f"{name}.py").write_text(
            f"import os\nos.close(os.open({str(folder / f'RAN-{name}')!r}, os.O_CREAT))\nraise ImportError('hostile')\n"
        )
    return folder


def _list_run(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("RAN-*"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_build_in_a_downloaded_folder_runs_nothing_of_it(hostile_folder: Path, tmp_path: Path) -> None:
    pdfs = tmp_path / "pdfs"
    pdfs.mkdir()
    for number in range(2):
        (pdfs / f"{number}.pdf").write_bytes(write_distinct_pdf(number))
    with start_scripted_server() as server:
        config = write_config(tmp_path, pdfs, server.base_url)
        done = subprocess.run(
            [str(Path(sys.executable).with_name("docmatix")), "build", str(config), "--run", str(tmp_path / "run")],
            cwd=hostile_folder,
            env={name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RAY_"))},
            capture_output=True,
            text=True,
            check=False,
        )
    assert _list_run(hostile_folder) == []
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "dataset" / "README.md").exists()


@pytest.mark.parametrize("python_path", ["", os.pathsep, f"relative{os.pathsep}."])
@pytest.mark.parametrize("verb", [["status", "nowhere"], ["inspect", "nowhere"]])
def test_python_dash_m_and_an_empty_entry_of_the_path_run_nothing_of_it(
    hostile_folder: Path, python_path: str, verb: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docmatix", *verb],
        cwd=hostile_folder,
        env={**os.environ, "PYTHONPATH": python_path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    # what Python itself imports as it starts comes before any line of ours
    assert set(_list_run(hostile_folder)) <= {"RAN-sitecustomize"}


def test_a_folder_that_is_named_by_its_whole_path_is_the_users_own_choice() -> None:
    path = ["/work", "/usr/lib/python", "/site", "", "/work"]
    kept = drop_current_folder(path, current="/work", python_path="", package_root="/site")
    assert kept == ["/usr/lib/python", "/site"]
    named = drop_current_folder(path, current="/work", python_path=f"/work{os.pathsep}.", package_root="/site")
    assert named == ["/work", "/usr/lib/python", "/site", "/work"]


def test_a_checkout_that_is_not_installed_stays_importable_behind_all_else() -> None:
    kept = drop_current_folder(["/checkout", "/lib"], current="/checkout", python_path="", package_root="/checkout")
    assert kept == ["/lib", "/checkout"]


def test_children_get_a_path_that_does_not_depend_on_where_they_start() -> None:
    assert clean_python_path(f"{os.pathsep}/a{os.pathsep}.{os.pathsep}b/c{os.pathsep}/d") == f"/a{os.pathsep}/d"
    assert clean_python_path("") == ""
