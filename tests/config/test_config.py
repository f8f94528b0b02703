"""The configuration: what is refused, in which words, and what reading it changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from docmatix.config import Config
from docmatix.config.description import list_shares
from docmatix.config.loading import dump_config, load_config, parse_config
from docmatix.core.errors import SetupError
from docmatix.curation.filters import DEFAULT_FILTERS
from docmatix.curation.filters.length import Length
from docmatix.models.llamacpp import LlamacppEngine
from docmatix.models.openai import OpenaiEngine
from docmatix.models.vllm.engine import VllmEngine
from docmatix.storage.patience import PATIENCE_S

MINIMAL = "name: small\nsource: {kind: files, paths: [docs/*.pdf]}\ngenerate: {engine: {kind: llamacpp}}\n"


def write_config(folder: Path, text: str = MINIMAL) -> Path:
    path = folder / "build.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str = MINIMAL, *overrides: str) -> Config:
    return load_config(write_config(folder, text), overrides=overrides)


def refuse(folder: Path, text: str = MINIMAL, *overrides: str) -> str:
    with pytest.raises(SetupError) as refusal:
        load(folder, text, *overrides)
    return str(refusal.value)


def test_three_keys_are_enough(tmp_path):
    config = load(tmp_path)
    assert isinstance(config.generate.engine, LlamacppEngine)
    assert config.verify == ()
    assert config.curate.filters == DEFAULT_FILTERS


def test_relative_paths_are_relative_to_the_file_and_urls_stay(tmp_path):
    text = MINIMAL.replace("[docs/*.pdf]", "[docs/*.pdf, /data, 's3://bucket/*.pdf']")
    config = load(tmp_path, text, "generate.prompts_dir=mine", "generate.engine.model=models/m.gguf")
    assert config.source.paths == (str(tmp_path / "docs/*.pdf"), "/data", "s3://bucket/*.pdf")
    assert config.generate.prompts_dir == str(tmp_path / "mine")
    assert config.generate.engine.model == str(tmp_path / "models/m.gguf")


def test_the_name_of_a_model_is_no_path(tmp_path):
    assert load(tmp_path).generate.engine.model == "smollm2-135m"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SetupError, match=r"The configuration file .*gone\.yaml does not exist\."):
        load_config(tmp_path / "gone.yaml")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(SetupError, match="cannot be read"):
        load_config(tmp_path)


def test_broken_yaml_is_refused_with_its_line(tmp_path):
    assert "is not valid YAML at line 2" in refuse(tmp_path, "name: small\nsource: ]\n")


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list\n"])
def test_a_file_that_holds_no_mapping_is_refused(tmp_path, text):
    assert "must hold a mapping" in refuse(tmp_path, text)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("pakc.dpi=100", "`pakc` is not a key docmatix knows; did you mean `pack`?"),
        ("pack.dppi=100", "`pack.dppi` is not a key docmatix knows; did you mean `dpi`?"),
        ("pack.schemas=docmatix", "`pack.schemas` is not a key docmatix knows; did you mean `schema`?"),
        ("source.path=a", "`source.path` is not a key docmatix knows; did you mean `paths`?"),
        ("generate.engine.slot=2", "`generate.engine.slot` is not a key docmatix knows; did you mean `slots`?"),
        ("verify={kind: round_trip, token: 3}", "`verify.token` is not a key docmatix knows"),
        ("generate.prompts=[{name: a, wait: 2}]", "`generate.prompts.0.wait` is not a key docmatix knows"),
        (
            "curate.filters=[{kind: length, max_answer: 5}]",
            "`curate.filters.0.max_answer` is not a key docmatix knows; did you mean `max_answer_chars`?",
        ),
        ("window.zzz=1", "`window.zzz` is not a key docmatix knows; it knows max_pages."),
        ("stream=1", "`stream` is not a key docmatix knows"),
        ("generate.strategy=1", "`generate.strategy` is not a key docmatix knows"),
        ("generate.engine.stream=true", "`generate.engine.stream` is not a key docmatix knows"),
        ("generate.str=1", "`generate.str` is not a key docmatix knows"),
        ("source.column=pdf", "`source.column` is not a key docmatix knows; it knows kind, paths."),
        (
            "curate.filters=[{kind: duplicate, min_score: 1}]",
            "`curate.filters.0.min_score` is not a key docmatix knows; did you mean `min_overlap`?",
        ),
    ],
)
def test_an_unknown_key_is_refused_by_name_with_the_nearest_known_one(tmp_path, override, said):
    assert said in refuse(tmp_path, MINIMAL, override)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("pack.dpi=many", "`pack.dpi`: Input should be a valid integer"),
        ("pack.dpi=10", "`pack.dpi`: Input should be greater than or equal to 36"),
        ("source.paths=[]", "`source.paths`: List should have at least 1 item"),
        ("source.paths=docs", "`source.paths`: Input should be a list"),
        ("name=has space", "`name`: String should match pattern"),
        ("source.kind=[files]", "`source.kind` is `['files']`, which docmatix does not know; it knows"),
        ("generate.engine.kind=vlm", "`generate.engine.kind` is `vlm`, which docmatix does not know; it knows"),
        ("generate.engine={model: m}", "`generate.engine.kind` is missing."),
        ("generate={}", "`generate.engine` is missing."),
        ("generate.engine={kind: openai, model: m}", "`generate.engine.base_url` is missing."),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_under_the_key_that_the_file_has(tmp_path, override, said):
    assert said in refuse(tmp_path, MINIMAL, override)


MISTAKEN = """\
name: has space
sead: 3
source: {kind: files, pahts: [docs/*.pdf]}
generate:
  engine:
    kind: openai
    model: m
    base_url: [1, http://a]
    sampling: {temprature: 1}
  prompts:
    - extractive
    - {name: a, wait: 2}
    - {weight: 2}
    - 7
curate:
  filters:
    - kind: length
      max_answer: 5
    - {kind: lenght}
pack:
  dpi: 20
limits: 5
verify: {token: 3}
"""


def test_all_mistakes_are_told_at_once_in_one_line_each_with_its_own(tmp_path):
    told = refuse(tmp_path, MISTAKEN, "window.max_page=3", "pack.max_row_mb=x")
    assert "\n" not in told
    assert re.findall(r"(line \d+|--set [\w.]+): `([\w.]+)`", told) == [
        ("line 1", "name"),
        ("line 2", "sead"),
        ("line 3", "source.pahts"),
        ("line 8", "generate.engine.base_url.0"),
        ("line 9", "generate.engine.sampling.temprature"),
        ("line 12", "generate.prompts.1.wait"),
        ("line 13", "generate.prompts.2.name"),
        ("line 14", "generate.prompts.3"),
        ("line 18", "curate.filters.0.max_answer"),
        ("line 19", "curate.filters.1.kind"),
        ("line 21", "pack.dpi"),
        ("line 22", "limits"),
        ("line 23", "verify.kind"),
        ("--set window.max_page", "window.max_page"),
        ("--set pack.max_row_mb", "pack.max_row_mb"),
    ]
    assert "did you mean `temperature`?" in told
    assert "`lenght`, which docmatix does not know" in told


def test_a_key_that_is_missing_is_told_with_the_line_of_what_lacks_it_unless_it_is_misspelt(tmp_path):
    told = refuse(tmp_path, "name: a\nsorce: {}\ngenerate:\n  prompts: []\n")
    path = tmp_path / "build.yaml"
    assert told.startswith(f"{path}: line 2: `sorce` is not a key docmatix knows; did you mean `source`? line 3: ")
    assert "line 3: `generate.engine` is missing. line 4: `generate.prompts`: name a prompt" in told
    assert "`source` is missing" not in told
    assert refuse(tmp_path, "name: a\n") == f"{path}: `source` is missing. `generate` is missing."


def test_an_override_that_makes_a_mistake_is_told_in_place_of_a_line(tmp_path):
    text = MINIMAL + "pack: {dpi: 90}\n"
    assert ": --set pack.dpi: `pack.dpi`: Input" in refuse(tmp_path, text, "pack.dpi=x")
    assert ": --set generate: `generate.engine` is missing." in refuse(tmp_path, text, "generate={}")
    assert ": --set pakc.dpi: `pakc` is not a key" in refuse(tmp_path, text, "pakc.dpi=3")
    assert ": line 4: `pack.dpi`: Input" in refuse(tmp_path, text.replace("90", "x"), "pack.max_row_mb=9")


def test_many_mistakes_are_cut_off(tmp_path):
    told = refuse(tmp_path, MINIMAL + "".join(f"zz{number}: 1\n" for number in range(25)))
    assert told.count("is not a key") == 20
    assert told.endswith(" And 5 more.")


def test_a_key_given_twice_is_refused_with_both_lines_beside_other_mistakes(tmp_path):
    told = refuse(tmp_path, MINIMAL + "pack:\n  dpi: 90\n  image_format: jpeg\n  dpi: 100\nseed: x\n")
    assert ": line 7: `pack.dpi` is given twice, in lines 5 and 7: remove all but one. line 8: `seed`: Input" in told
    assert "`name` is given twice, in lines 1 and 4" in refuse(tmp_path, MINIMAL + "name: other\n")
    assert "`max_pages` is given 2 times" in refuse(tmp_path, MINIMAL, "window={max_pages: 1, max_pages: 2}")
    merged = "x: &x {kind: files, paths: [a]}\n" + MINIMAL.replace("{kind: files, paths", "{<<: *x, paths")
    assert "given twice" not in refuse(tmp_path, merged)


def test_a_refusal_never_shows_the_value():
    with pytest.raises(SetupError) as refusal:
        parse_config(yaml.safe_load(MINIMAL) | {"seed": "hunter2"})
    assert "hunter2" not in str(refusal.value)


def test_overrides_are_yaml_and_reach_into_mappings_and_lists(tmp_path):
    config = load(
        tmp_path,
        MINIMAL,
        "pack.dpi=100",
        "curate.filters=[{kind: length}]",
        "curate.filters.0.max_answer_chars=9",
        "generate.engine={kind: openai, model: m, base_url: [http://a, http://b]}",
    )
    assert config.pack.dpi == 100
    assert config.curate.filters == (Length(max_answer_chars=9),)
    assert isinstance(config.generate.engine, OpenaiEngine)
    assert config.generate.engine.base_url == ("http://a", "http://b")


def test_of_two_overrides_of_one_key_the_later_counts(tmp_path):
    assert load(tmp_path, MINIMAL, "seed=1", "seed=2").seed == 2


@pytest.mark.parametrize("override", ["pack.dpi", "=3", "name.first=x", "source.paths.7=x", "pack.dpi=[1"])
def test_an_override_that_sets_nothing_is_refused(tmp_path, override):
    assert refuse(tmp_path, MINIMAL, override).startswith("--set ")


def test_what_is_dumped_reads_back_as_the_same_configuration(tmp_path):
    config = load(tmp_path, MINIMAL, "verify={kind: round_trip}", "pack.schema=docmatix", "seed=3")
    assert parse_config(yaml.safe_load(dump_config(config))) == config


def test_the_shipped_pipelines_are_valid():
    pipelines = sorted((Path(__file__).parents[2] / "pipelines").glob("*.yaml"))
    assert pipelines
    for pipeline in pipelines:
        load_config(pipeline)


VLLM = {"kind": "vllm", "model": "org/model"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gpus_per_replica": 1.5}, "gpus_per_replica is 1.5, but Ray takes whole numbers above 1"),
        ({"tensor_parallel_size": 2, "gpus_per_replica": 1}, "tensor times pipeline parallel size is 2"),
        ({"extra_args": ["--api-key=x"]}, "--api-key in extra_args is set by the build; remove it"),
        ({"gpus_per_replic": 1}, "did you mean `gpus_per_replica`?"),
        ({"sampling": {"temprature": 1}}, "did you mean `temperature`?"),
    ],
)
def test_replicas_that_cannot_be_are_refused_in_a_sentence(changes, said):
    content = {
        "name": "a",
        "source": {"kind": "files", "paths": ["x"]},
        "generate": {"engine": {**VLLM, **changes}},
    }
    with pytest.raises(SetupError, match=re.escape(said)):
        parse_config(content)


def test_a_replica_takes_the_gpus_of_its_parallel_sizes_and_the_fleet_those_of_all():
    engine = VllmEngine(**VLLM, tensor_parallel_size=4, pipeline_parallel_size=2, replicas=3)
    assert (engine.gpus, engine.total_gpus) == (8, 24)
    assert VllmEngine(**VLLM, gpus_per_replica=0).gpus == 0


def test_a_model_is_called_by_its_name_its_repository_or_the_name_of_its_folder():
    assert VllmEngine(**VLLM).model_name == "org/model"
    assert VllmEngine(kind="vllm", model="/data/models/mine").model_name == "mine"
    assert VllmEngine(kind="vllm", model="/data/models/final", name="mine-v2").model_name == "mine-v2"


def test_ray_client_is_refused_with_what_to_do_instead():
    content = {"name": "a", "source": {"kind": "files", "paths": ["x"]}, "generate": {"engine": VLLM}}
    with pytest.raises(SetupError, match="start the build on a node of the cluster"):
        parse_config({**content, "resources": {"address": "ray://head:10001"}})


def test_how_long_a_stage_may_stand_still_is_a_time_or_left_to_its_documents(tmp_path):
    limits = load(tmp_path).limits
    assert (limits.stall_s, limits.no_progress_s) == (120, None)
    assert load(tmp_path, MINIMAL, "limits.stall_s=5", "limits.no_progress_s=60").limits.no_progress_s == 60
    for key in ("stall_s", "no_progress_s", "store_patience_s"):
        assert f"limits.{key}" in refuse(tmp_path, MINIMAL, f"limits.{key}=0")


def test_a_store_that_is_away_is_tried_as_long_as_without_a_configuration(tmp_path):
    assert load(tmp_path).limits.store_patience_s == PATIENCE_S


def test_a_list_in_the_place_of_a_section_is_told_in_the_words_of_yaml(tmp_path: Path) -> None:
    path = tmp_path / "build.yaml"
    path.write_text("name: x\nsource: [a]\ngenerate: {engine: {kind: openai, model: m, base_url: http://x/v1}}\n")
    with pytest.raises(SetupError, match="line 2: `source`: Input should be a mapping of keys to values"):
        load_config(path)


def test_a_share_is_that_of_every_score_that_a_check_fills(tmp_path):
    again = "{kind: answer_again, single_pages: true, share: 0.1}"
    judges = "{kind: judge, share: 0.2}, {kind: judge, name: second, share: 0.3}"
    config = load(tmp_path, f"{MINIMAL}verify: [{again}, {judges}]\n")
    assert list_shares(config) == {"agreement": 0.1, "single_page_agreement": 0.1, "judged": 0.3}
