"""Whole builds with a secret in every place, which reaches no file, no name and no message."""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from docmatix.check.proof import find_problems
from docmatix.cli import main
from docmatix.review.status import read_status
from docmatix.stages.support.reading import read_job
from docmatix.storage.run import Run
from tests.builds import Driver, hash_dataset
from tests.chaos import Nodes
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import Faults, start_scripted_server

PASSWORD, SIGNATURE, QUERY, KEY = "canary-Pa55word", "canary-51gnature", "canary-qu3ry", "canary-m0delkey-0123456789"
ENVIRONMENT = {"HF_TOKEN": "canary-hubtoken", "AWS_SECRET_ACCESS_KEY": "canary-awssecret"}


class Shelf(http.server.BaseHTTPRequestHandler):
    """Two documents: one behind a password, one behind a signed link."""

    pdfs = MappingProxyType({"/a.pdf": write_distinct_pdf(1), "/b.pdf": write_distinct_pdf(2)})

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        wanted = "Basic " + base64.b64encode(f"reader:{PASSWORD}".encode()).decode()
        allowed = {"/a.pdf": self.headers.get("Authorization") == wanted, "/b.pdf": "canary-51gnature" in query}
        if not allowed.get(path):
            self.send_response(403 if path in allowed else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        pdf = self.pdfs[path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(pdf)))
        self.send_header("Content-Type", "application/pdf")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(pdf)

    do_HEAD = do_GET  # noqa: N815, the name that http.server looks for

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def start_shelf() -> Iterator[str]:
    """`host:port` of a server of documents."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_secret_config(
    folder: Path, shelf: str, base_url: str, *, password: str = PASSWORD, renewed: str = "", **resources: Any
) -> Path:
    content = {
        "name": "secret",
        "source": {
            "kind": "files",
            "paths": [
                f"http://reader:{password}@{shelf}/a.pdf",
                f"http://{shelf}/b.pdf?version=2&X-Amz-Signature={SIGNATURE}{renewed}",
            ],
        },
        "generate": {
            "engine": {
                "kind": "openai",
                "model": "scripted",
                "base_url": f"{base_url}?api-key={QUERY}",
                "api_key_env": "MODEL_KEY",
                "give_up_after_s": 3,
                "max_attempts": 2,
            },
            "prompts": ["broad_whole", "broad_details"],
            "prompts_per_window": 2,
        },
        "curate": {"filters": [{"kind": "length"}]},
        "pack": {"dpi": 36},
        "limits": {"unexpected_share": 1.0},
        "resources": {"workers": 1, "cpus": 2, **resources},
    }
    path = folder / "secret.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


class KeptLogs:
    """Links to every log that Ray writes below a folder while it runs: they are removed with its end."""

    def __init__(self, folder: Path, into: Path) -> None:
        self._folder, self._into = folder, into
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(0.1):
            # `Path.rglob` raises where a folder goes away while it looks
            for folder, _, names in os.walk(self._folder):
                for name in names:
                    path = Path(folder, name)
                    if path.suffix in (".log", ".out", ".err"):
                        with contextlib.suppress(OSError):
                            os.link(path, self._into / f"{path.stat().st_ino}-{name}")


@pytest.fixture
def secret_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret in every variable that may hold one."""
    monkeypatch.setenv("MODEL_KEY", KEY)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def cluster(secret_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a Ray, and a folder with its logs."""
    logs = tmp_path_factory.mktemp("logs")
    nodes = Nodes(1)
    with contextlib.closing(nodes), contextlib.closing(KeptLogs(nodes.folder, logs)):
        yield nodes.address, logs


def find_canaries(folder: Path) -> list[str]:
    """The files in which a secret stands: as it is, or in a column of a Parquet file, which is compressed."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            content += repr(table.to_pylist()).encode() + repr(table.schema.metadata).encode()
        if b"canary" in content or base64.b64encode(f"reader:{PASSWORD}".encode()) in content:
            found.append(str(path.relative_to(folder)))
    return found


def test_the_search_for_secrets_sees_into_compressed_columns(tmp_path):
    import pyarrow as pa

    pq.write_table(pa.table({"a": [["x" * 500 + "canary"]] * 3}), tmp_path / "a.parquet", compression="zstd")
    (tmp_path / "b.txt").write_text("nothing")
    assert find_canaries(tmp_path) == ["a.parquet"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_build_with_a_secret_in_every_place_leaves_none_behind(cluster, tmp_path, capsys):
    run = tmp_path / "run"
    address, logs = cluster
    with (
        start_shelf() as shelf,
        start_scripted_server(api_key=KEY, repeats_key=True, faults=Faults(refused=0.6, broken=0.2)) as server,
    ):
        config = write_secret_config(tmp_path, shelf, server.base_url, address=address)
        code, said = Driver(config, run).finish()
        assert code == 0, said
        assert read_status(Run(run))["complete"]
        dropped = Run(run).ledger("generate").accounts["requests"].dropped
        assert dropped, "a server that repeats the key must have been asked in vain at least once"
        for arguments in (["status"], ["report"], ["check"], ["inspect", "--pairs"], ["inspect", "--dropped"]):
            assert main([arguments[0], str(run), *arguments[1:]]) == 0
        told = capsys.readouterr()
        assert "canary" not in said + told.out + told.err
        assert find_canaries(run) == []
        assert find_canaries(logs) == []
        assert any("raylet" in path.name for path in logs.iterdir()), "Ray wrote its logs elsewhere"

        # without a cluster, workers are forked from a process that has the keys in its environment
        config = write_secret_config(tmp_path, shelf, server.base_url)
        code, said = Driver(config, tmp_path / "local").finish()
        assert code == 0, said
        assert "canary" not in said
        assert find_canaries(tmp_path / "local") == []

        uris = {row["source_uri"] for row in Run(run).iterate_rows("plan", 0)}
        assert uris == {f"http://{shelf}/a.pdf", f"http://{shelf}/b.pdf?version=2&X-Amz-Signature=***"}

        # a link with a new signature leads to the same documents: nothing runs again
        asked, before = server.request_count, hash_dataset(run)
        config = write_secret_config(tmp_path, shelf, server.base_url, renewed="-again")
        code, said = Driver(config, run).finish()
        assert (code, server.request_count, hash_dataset(run)) == (0, asked, before), said
        assert find_canaries(run) == []
        assert list(find_problems(Run(run))) == []
        assert read_job(Run(run)).config.source.paths[0] == f"http://{shelf}/a.pdf"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_build_that_fails_says_so_without_the_secrets(secret_environment, tmp_path, monkeypatch):
    run = tmp_path / "run"
    with start_shelf() as shelf, start_scripted_server(api_key="canary-another-key", repeats_key=True) as server:
        config = write_secret_config(tmp_path, shelf, server.base_url)
        code, said = Driver(config, run).finish()
        assert code == 2
        assert "refused the key" in said
        assert "canary" not in said

        config = write_secret_config(tmp_path, shelf, server.base_url, password="canary-wrong")
        code, said = Driver(config, run).finish()
        assert code != 0
        assert "canary" not in said

        monkeypatch.setenv("MODEL_KEY", "canary\nwith a line break")
        code, said = Driver(config, run).finish()
        assert code == 2
        assert "canary" not in said
    assert find_canaries(tmp_path / "run") == [] if run.exists() else True
