"""The table of stages: it is whole, and what it names is there."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pyarrow as pa
import pytest

from docmatix import pipeline
from docmatix.config import Config
from docmatix.pipeline import PIPELINE, STAGES, list_stages
from tests.jobs import LLAMACPP, make_config


def test_a_stage_reads_and_continues_only_what_stands_before_it() -> None:
    for number, stage in enumerate(PIPELINE.values()):
        before = STAGES[:number]
        assert set(stage.reads) <= set(before)
        for link in stage.links:
            assert link.earlier in before
            assert link.unit in stage.units
            assert link.unit in PIPELINE[link.earlier].units


def test_what_may_be_left_out_is_no_link_of_another_stage() -> None:
    optional = {stage.name for stage in PIPELINE.values() if stage.optional}
    assert not optional & {link.earlier for stage in PIPELINE.values() for link in stage.links}
    assert list_stages(verify=True) == list(STAGES)
    assert list_stages(verify=False) == [stage for stage in STAGES if stage not in optional]


@pytest.mark.parametrize("stage", PIPELINE.values(), ids=STAGES)
def test_the_shell_of_a_stage_is_there_and_takes_what_it_is_given(stage: pipeline.Stage) -> None:
    parameters = inspect.signature(stage.load_shell()).parameters
    assert next(iter(parameters)) == "job"
    assert ("sandbox" in parameters) == stage.sandboxed
    assert ("pool" in parameters) == stage.asks
    assert ("progress" in parameters) == stage.workers


@pytest.mark.parametrize("stage", [stage for stage in STAGES if PIPELINE[stage].schema])
def test_the_schema_of_a_stage_is_there(stage: str) -> None:
    assert isinstance(PIPELINE[stage].load_schema(), pa.Schema)


def test_each_stage_that_asks_has_an_engine_of_its_own() -> None:
    config = make_config(verify={"kind": "round_trip", "engine": LLAMACPP})
    assert [each.engine.kind for each in config.check_passes] == ["llamacpp"]
    assert [each.engine.kind for each in make_config(verify={"kind": "round_trip"}).check_passes] == ["openai"]


def test_every_stage_has_a_section_of_its_name_in_the_configuration() -> None:
    assert set(STAGES) <= set(Config.model_fields)


def test_stages_are_named_by_the_table_alone() -> None:
    """Another module takes the constants, so that a search for one finds all that knows of a stage."""
    package = Path(pipeline.__file__).parent
    own = {package / "pipeline.py", *(package / "config").glob("*.py")}  # the latter has sections of the same names
    found = [
        f"{path.relative_to(package)}:{node.lineno}: {node.value!r}"
        for path in sorted(package.rglob("*.py"))
        if path not in own
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in STAGES
    ]
    assert not found


def test_the_table_imports_nothing_of_docmatix() -> None:
    tree = ast.parse(Path(pipeline.__file__).read_text())
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert not [name for name in imported if (name or "").startswith("docmatix")]
