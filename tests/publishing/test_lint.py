"""What is found in files before they are sent: one crafted file for each finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from docmatix.check import files
from docmatix.publishing.lint import Inspection, find_secrets
from docmatix.storage.schemas import DATASETS
from docmatix.storage.store import Store

SCHEMA = DATASETS["docmatix"]
HF_TOKEN = "hf_" + "aB3" * 11
SK_TOKEN = "sk-proj-" + "a1B2" * 8


def make_row(*, source: str = "docs/a.pdf", question: str = "What?", answer: str = "That.", path: str = "a-1.jpg"):
    image = {"bytes": b"\xff\xd8", "path": path}
    return {"images": [image], "texts": [{"user": question, "assistant": answer, "source": source}]}


def look(folder: Path, rows: list[dict[str, Any]], *, schema: pa.Schema = SCHEMA, secrets=None, **options: Any):
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "a.parquet", **options)
    inspection = Inspection(secrets or {})
    figures = inspection.read_table(Store(folder), "a.parquet", SCHEMA, shown="data/a.parquet")
    return inspection.describe(), figures


def look_at_text(folder: Path, text: str, *, name: str = "README.md", secrets=None) -> list[str]:
    (folder / name).write_text(text)
    inspection = Inspection(secrets or {})
    inspection.read_text(Store(folder), name)
    return inspection.describe()


def test_a_sound_file_has_no_finding_and_is_measured(tmp_path):
    found, (rows, size) = look(tmp_path, [make_row()] * 3)
    assert found == []
    assert rows == 3
    assert size > 0


@pytest.mark.parametrize(
    "source",
    ["/home/anna/a.pdf", "file:///srv/a.pdf", "C:\\scans\\a.pdf", "C:/scans/a.pdf", "~/a.pdf", "\\\\nas\\a.pdf"],
)
def test_an_absolute_local_path_is_named_with_its_count_and_first_place(tmp_path, source):
    rows = [make_row()] * 300 + [make_row(source=source)] * 2
    (found,), _ = look(tmp_path, rows)
    assert found.startswith(
        "texts.list.element.source holds an absolute local path in 2 places, first in data/a.parquet"
    )
    assert "rows 256 to" in found
    assert source[:6] in found
    assert "source.paths" in found


@pytest.mark.parametrize(
    "source", ["docs/a.pdf", "s3://bucket/a.pdf", "https://host/home/a.pdf", "tar.tar!a.pdf", "a: b"]
)
def test_relative_names_and_urls_are_no_local_paths(tmp_path, source):
    assert look(tmp_path, [make_row(source=source)])[0] == []


def test_a_path_that_a_document_speaks_of_is_its_content(tmp_path):
    assert look(tmp_path, [make_row(question="Where is it?", answer="/home/user/.bashrc")])[0] == []


def test_the_path_of_an_image_is_looked_at_too(tmp_path):
    (found,), _ = look(tmp_path, [make_row(path="/tmp/a-1.jpg")])
    assert found.startswith("images.list.element.path holds an absolute local path")


def test_the_path_of_a_model_is_looked_at_too(tmp_path):
    schema = pa.schema([("model", pa.string())])
    pq.write_table(pa.table({"model": ["/models/llama", "llama"]}, schema=schema), tmp_path / "a.parquet")
    inspection = Inspection({})
    inspection.read_table(Store(tmp_path), "a.parquet", schema, shown="a.parquet")
    (found,) = inspection.describe()
    assert found.startswith("model holds an absolute local path in 1 place")
    assert "rebuild" in found


@pytest.mark.parametrize("column", ["question", "answer", "source"])
@pytest.mark.parametrize(
    "token", [HF_TOKEN, SK_TOKEN, "AKIA" + "A1B2" * 4, "ghp_" + "a" * 36, "-----BEGIN RSA PRIVATE KEY-----"]
)
def test_a_token_is_found_in_any_text_and_not_repeated(tmp_path, column, token):
    (found,), _ = look(tmp_path, [make_row(), make_row(**{column: f"It is {token}, they say."})])
    assert "in 1 place" in found
    assert token not in found


@pytest.mark.parametrize(
    "text", ["hf_hub", "risk-free-interest-rates-in-2024-and-later", "sk-learn-1.4", "task-0123456789-a"]
)
def test_words_that_look_a_little_like_tokens_are_none(tmp_path, text):
    assert look(tmp_path, [make_row(answer=text)])[0] == []


def test_the_value_of_a_secret_variable_is_found_by_its_name_alone(tmp_path):
    secrets = find_secrets({"MY_API_KEY": "correct horse", "OTHER_TOKEN": "tr0ub4dor&3-xkcd", "HOME": "/root"})
    assert "tr0ub4dor&3-xkcd" in secrets.values()
    assert "/root" not in secrets.values()
    (found,), _ = look(tmp_path, [make_row(answer="It is tr0ub4dor&3-xkcd.")], secrets=secrets)
    assert "the value of OTHER_TOKEN" in found
    assert "tr0ub" not in found


def test_a_variable_that_the_configuration_names_is_a_secret_whatever_its_name():
    assert find_secrets({"VLLM_PASS": "0123456789abc"}) == {}
    assert list(find_secrets({"VLLM_PASS": "0123456789abc"}, names=["VLLM_PASS"]).values()) == ["0123456789abc"]


def test_short_values_and_paths_of_key_files_are_no_secrets():
    assert find_secrets({"A_TOKEN": "none", "B_KEY": "/run/secrets/key-of-the-house", "API_KEY": ""}) == {}


def test_another_schema_is_named(tmp_path):
    schema = pa.schema([SCHEMA.field("images")], metadata=SCHEMA.metadata)
    (found,), _ = look(tmp_path, [{"images": make_row()["images"]}], schema=schema)
    assert "its schema is not the declared one" in found


def test_images_that_would_be_read_as_bytes_are_named(tmp_path):
    (found,), _ = look(tmp_path, [make_row()], schema=SCHEMA.remove_metadata())
    assert "images would be read as bytes" in found


def test_row_groups_that_the_viewer_refuses_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "VIEWER_LIMIT", 100)
    found, _ = look(tmp_path, [make_row()] * 4, row_group_size=2)
    assert len(found) == 2
    assert "row group 1" in found[1]


def test_a_broken_file_is_a_finding(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no more")
    inspection = Inspection({})
    assert inspection.read_table(Store(tmp_path), "a.parquet", SCHEMA, shown="a.parquet") == (0, 0)
    assert "cannot be read" in inspection.describe()[0]


def test_metadata_in_the_footer_is_looked_at(tmp_path):
    schema = SCHEMA.with_metadata({**SCHEMA.metadata, b"made_by": f"token {HF_TOKEN}".encode()})
    (found,), _ = look(tmp_path, [make_row()], schema=schema)
    assert "data/a.parquet (made_by) holds a Hugging Face token" in found


# --- cards and figures ------------------------------------------------------------------------------------------------

CARD = "---\nconfigs:\n- config_name: default\n---\n\n# A set\n\nSee https://host/home/data and [it](samples/1.jpg).\n"


def test_a_sound_card_has_no_finding(tmp_path):
    assert look_at_text(tmp_path, CARD) == []


def test_a_card_with_broken_metadata_is_named(tmp_path):
    (found,) = look_at_text(tmp_path, "---\na: [1\n---\n")
    assert "not valid YAML" in found
    assert "configs" in look_at_text(tmp_path, "# No metadata")[0]


@pytest.mark.parametrize(
    "path", ["/home/anna/pdfs", "/Users/anna/pdfs", "/mnt/data/x.pdf", "file:///srv/x", "C:\\Users\\anna", "/tmp/run-7"]
)
def test_a_local_path_in_a_card_or_in_figures_is_found(tmp_path, path):
    assert "in line 10" in look_at_text(tmp_path, f"{CARD}\nFrom `{path}`.\n")[0]
    assert "absolute local path" in look_at_text(tmp_path, json.dumps({"source": path}), name="stats.json")[0]


def test_a_token_in_a_card_is_found(tmp_path):
    (found,) = look_at_text(tmp_path, f"{CARD}{SK_TOKEN}\n")
    assert "an API key" in found
    assert SK_TOKEN not in found


def test_figures_that_are_no_json_are_named(tmp_path):
    assert "not valid JSON" in look_at_text(tmp_path, "{", name="stats.json")[0]


def test_pictures_are_passed_over(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\xff\xfe/home/anna/x")
    inspection = Inspection({})
    inspection.read_text(Store(tmp_path), "a.png")
    assert inspection.describe() == []
