"""A Hub on loopback: dataset repositories over HTTP, as `huggingface_hub` and `datasets` speak to the real one.

Repositories, branches, preupload, LFS batch, upload and verify, commits, trees in pages, and files by range; large
files lie on the disk under their hash. Calls can be made to fail by a seed: with 429, 412, 500, 503, or by a connection
that is cut before or after the work was done. `HF_HUB_DISABLE_XET=1` makes the client speak plain LFS.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

GOOD_TOKEN = "hf_" + "writes" * 6
READER_TOKEN = "hf_" + "reader" * 6
_QUOTA = "We had to rate limit you: you have exceeded the rate limit for repository commits (128 per hour)."
QUOTAS = {
    "quota": f"{_QUOTA} You can retry this action in about 1 hour. If you're a new user, your limits will raise.",
    "short quota": f"{_QUOTA} You can retry this action in 12 minutes.",
    "long quota": f"{_QUOTA} You can retry this action in about 24 hours.",
    "silent quota": _QUOTA,
}
"""Faults in which a quota is used up, of which the `ratelimit` header says nothing."""
FULL = "Private repository storage limit reached, please upgrade your plan to increase your private storage limit."
_PAGE = 7
"""Entries in a page of a tree, few, so that readers have to turn pages."""


@dataclass(frozen=True)
class File:
    """A file at a commit: a large one by the hash of its content, or a small one by the content itself."""

    size: int
    blob_id: str
    sha256: str | None = None
    content: bytes = b""


@dataclass(frozen=True)
class Commit:
    oid: str
    summary: str
    files: dict[str, File]


@dataclass
class Dataset:
    """A repository: for each branch its commits, the newest last."""

    private: bool = False
    branches: dict[str, list[Commit]] = field(default_factory=dict)

    def find(self, revision: str) -> Commit | None:
        if revision in self.branches:
            return self.branches[revision][-1]
        return next((c for commits in self.branches.values() for c in commits if c.oid == revision), None)

    def add(self, branch: str, summary: str, files: dict[str, File]) -> Commit:
        earlier = self.branches.setdefault(branch, [])
        seed = json.dumps([summary, len(earlier), sorted((path, f.blob_id) for path, f in files.items()), branch])
        commit = Commit(hashlib.sha1(seed.encode()).hexdigest(), summary, files)
        earlier.append(commit)
        return commit


@dataclass
class Faults:
    """Which calls fail and how: a share of `rate` of them, drawn by `seed`, at most `most`."""

    rate: float = 0.0
    seed: int = 0
    most: int = 10**9
    kinds: tuple[str, ...] = ("429", "412", "500", "503", "cut", "lost")
    only: str = ""
    """A regular expression for the calls that may fail (`POST commit`)."""
    first: dict[str, str] = field(default_factory=dict)
    """Kinds that befall the first call of a name, whatever the seed says."""

    def __post_init__(self) -> None:
        self._random, self._lock = random.Random(self.seed), threading.Lock()
        self.happened: Counter[str] = Counter()
        self.calls = 0

    def draw(self, call: str) -> str | None:
        with self._lock:
            self.calls += 1
            if call in self.first:
                kind = self.first.pop(call)
                self.happened[kind] += 1
                return kind
            if self._random.random() >= self.rate or self.happened.total() >= self.most:
                return None
            # the real Hub answers 412 to commits alone; `lost` is a connection that is cut when all is done
            kind = self._random.choice(
                [kind for kind in self.kinds if kind != "412" or call == "POST commit"] or ["500"]
            )
            if not re.search(self.only, call):
                return None
            self.happened[kind] += 1
            return kind


class Hub:
    """The state of the Hub; `serve_hub` puts it on a port."""

    def __init__(self, folder: Path, *, faults: Faults | None = None) -> None:
        self.folder = folder
        self.faults = faults or Faults()
        self.datasets: dict[str, Dataset] = {}
        self.calls: Counter[str] = Counter()
        self.uploads: Counter[str] = Counter()
        """How often the content of each large file was sent whole."""
        self.ranges = 0
        self.before_commit: Callable[[], object] = lambda: None
        self.lock = threading.RLock()
        self.url = ""
        folder.mkdir(parents=True, exist_ok=True)

    def commits(self, repo_id: str, branch: str = "main") -> list[Commit]:
        """The commits after the one that made the repository."""
        dataset = self.datasets.get(repo_id)
        return dataset.branches.get(branch, [])[1:] if dataset else []

    def files(self, repo_id: str, branch: str = "main") -> dict[str, File]:
        return self.datasets[repo_id].branches[branch][-1].files

    def read(self, repo_id: str, path: str, branch: str = "main") -> bytes:
        return self.content(self.files(repo_id, branch)[path])

    def content(self, file: File) -> bytes:
        return file.content if file.sha256 is None else (self.folder / file.sha256).read_bytes()

    def put(self, repo_id: str, path: str, content: bytes, branch: str = "main") -> None:
        """A commit by another user."""
        with self.lock:
            files = {**self.files(repo_id, branch), path: store_small(content)}
            self.datasets[repo_id].add(branch, f"somebody adds {path}", files)

    def create(self, repo_id: str, *, private: bool = False) -> None:
        with self.lock:
            self.datasets[repo_id] = Dataset(private)
            attributes = store_small(b"*.parquet filter=lfs diff=lfs merge=lfs -text\n")
            self.datasets[repo_id].add("main", "initial commit", {".gitattributes": attributes})


def store_small(content: bytes) -> File:
    return File(len(content), hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(), content=content)


def store_large(sha256: str, size: int) -> File:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
    return File(size, store_small(pointer).blob_id, sha256)


@contextmanager
def serve_hub(folder: Path, *, faults: Faults | None = None) -> Iterator[Hub]:
    hub = Hub(folder, faults=faults)

    class Handler(_Handler):
        pass

    Handler.hub = hub

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that are killed leave their connections: no word about it."""

    server = Server(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Refused(Exception):
    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class _Cut(Exception):
    """The connection ends without an answer."""


_ID = r"(?P<repo>[\w.-]+/[\w.-]+)"
_ROUTES: list[tuple[str, str, str]] = [
    ("POST", r"/api/repos/create", "create"),
    ("POST", r"/api/validate-yaml", "validate"),
    ("GET", rf"/api/datasets/{_ID}(?:/revision/(?P<revision>[^/]+))?", "info"),
    ("GET", rf"/api/datasets/{_ID}/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?", "tree"),
    ("GET", rf"/api/datasets/{_ID}/refs", "refs"),
    ("POST", rf"/api/datasets/{_ID}/paths-info/(?P<revision>[^/]+)", "paths"),
    ("POST", rf"/api/datasets/{_ID}/branch/(?P<revision>[^/]+)", "branch"),
    ("POST", rf"/api/datasets/{_ID}/preupload/(?P<revision>[^/]+)", "preupload"),
    ("POST", rf"/api/datasets/{_ID}/commit/(?P<revision>[^/]+)", "commit"),
    ("POST", rf"/datasets/{_ID}\.git/info/lfs/objects/batch", "batch"),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "upload"),
    ("POST", r"/lfs/verify", "verify"),
    ("GET", rf"/datasets/{_ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
    ("HEAD", rf"/datasets/{_ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        url = urlsplit(self.path)
        found = [
            (name, match)
            for method, pattern, name in _ROUTES
            if (match := re.fullmatch(pattern, url.path)) and method == self.command
        ]
        if not found:
            self._read_body()
            self._send(404, {"error": "Not found"})
            return
        name, match = found[0]
        self.query = {key: values[0] for key, values in parse_qs(url.query).items()}
        call = f"{self.command} {name}"
        with self.hub.lock:
            self.hub.calls[call] += 1
        fault = self.hub.faults.draw(call)
        try:
            if fault == "cut":
                raise _Cut
            if fault in ("429", "500", "503", "412"):
                self._read_body()
                headers = {"Retry-After": "1"} if fault in ("429", "503") else {}
                self._send(int(fault), {"error": f"injected {fault}"}, headers)
                return
            if fault == "full":
                self._read_body()
                raise _Refused(403, FULL)
            if fault in QUOTAS:
                self._read_body()
                headers = {"RateLimit": '"api";r=949;t=271', "RateLimit-Policy": '"fixed window";"api";q=1000;w=300'}
                self._send(429, {"error": QUOTAS[fault]}, headers)
                return
            self._lost = fault == "lost"
            groups = {key: unquote(value) for key, value in match.groupdict().items() if value is not None}
            getattr(self, f"_do_{name}")(**groups)
        except _Cut:
            self.close_connection = True
            self.connection.close()
        except _Refused as refused:
            headers = {"X-Error-Message": refused.message} | ({"X-Error-Code": refused.code} if refused.code else {})
            self._send(refused.status, {"error": refused.message}, headers)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # --- repositories -------------------------------------------------------------------------------------------------

    def _do_create(self) -> None:
        body = self._read_json()
        self._require_token()
        repo_id = f"{body['organization']}/{body['name']}"
        self._require_right(repo_id)
        with self.hub.lock:
            if repo_id in self.hub.datasets:
                self._send(409, {"error": "You already created this dataset repo", "url": f"{self.hub.url}/{repo_id}"})
                return
            self.hub.create(repo_id, private=body.get("visibility") == "private")
        self._send(200, {"url": f"{self.hub.url}/datasets/{repo_id}"})

    def _do_validate(self) -> None:
        content = self._read_json()["content"]
        match = re.match(r"---\n(.*?)\n?---\n", content, re.DOTALL)
        try:
            head = yaml.safe_load(match[1]) if match else None
        except yaml.YAMLError as error:
            self._send(400, {"errors": [{"message": str(error)}], "warnings": []})
            return
        problems = check_metadata(head) if head is not None else []
        self._send(400 if problems else 200, {"errors": [{"message": p} for p in problems], "warnings": []})

    def _do_info(self, repo: str, revision: str = "main") -> None:
        commit = self._find(repo, revision)
        siblings = [{"rfilename": path} for path in commit.files]
        dataset = self.hub.datasets[repo]
        about = {"_id": "0" * 24, "id": repo, "author": repo.partition("/")[0], "private": dataset.private, "tags": []}
        self._send(200, {**about, "sha": commit.oid, "siblings": siblings, "downloads": 0, "likes": 0, "gated": False})

    def _do_refs(self, repo: str) -> None:
        self._find(repo, "main")
        branches = self.hub.datasets[repo].branches
        listed = [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": commits[-1].oid}
            for name, commits in branches.items()
        ]
        self._send(200, {"branches": listed, "converts": [], "tags": [], "pullRequests": []})

    def _do_branch(self, repo: str, revision: str) -> None:
        self._read_json()
        self._require_right(repo)
        with self.hub.lock:
            self._find(repo, "main")
            dataset = self.hub.datasets[repo]
            if revision in dataset.branches:
                raise _Refused(409, "Reference already exists")
            dataset.branches[revision] = [dataset.branches["main"][-1]]
        self._send(200, {})

    def _do_tree(self, repo: str, revision: str, path: str = "") -> None:
        commit = self._find(repo, revision)
        prefix = f"{path}/" if path else ""
        entries: dict[str, dict[str, Any]] = {}
        for name, file in sorted(commit.files.items()):
            if not name.startswith(prefix):
                continue
            parts = name[len(prefix) :].split("/")
            for depth in range(1, len(parts)):
                folder = prefix + "/".join(parts[:depth])
                entries.setdefault(folder, {"type": "directory", "path": folder, "oid": "0" * 40, "size": 0})
            entries[name] = self._describe(name, file)
        if self.query.get("recursive", "false").lower() not in ("true", "1"):
            entries = {name: entry for name, entry in entries.items() if "/" not in name[len(prefix) :]}
        if path and not entries:
            raise _Refused(404, f"{path} does not exist", "EntryNotFound")
        first = int(self.query.get("cursor", 0))
        headers = {}
        if first + _PAGE < len(entries):
            query = "&".join(f"{k}={v}" for k, v in {**self.query, "cursor": first + _PAGE}.items())
            headers["Link"] = f'<{self.hub.url}{urlsplit(self.path).path}?{query}>; rel="next"'
        self._send(200, list(entries.values())[first : first + _PAGE], headers)

    def _do_paths(self, repo: str, revision: str) -> None:
        body = self._read_body().decode()
        asked = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body)["paths"]
        files = self._find(repo, revision).files
        found = []
        for path in asked if isinstance(asked, list) else [asked]:
            if path in files:
                found.append(self._describe(path, files[path]))
            elif any(name.startswith(f"{path}/") for name in files):
                found.append({"type": "directory", "path": path, "oid": "0" * 40, "size": 0})
        self._send(200, found)

    def _describe(self, path: str, file: File) -> dict[str, Any]:
        lfs = {"oid": file.sha256, "size": file.size, "pointerSize": 130}
        entry: dict[str, Any] = {"type": "file", "path": path, "size": file.size, "oid": file.blob_id}
        if self.query.get("expand", "false").lower() in ("true", "1"):
            entry["lastCommit"] = {"id": "0" * 40, "title": "t", "date": "2026-01-01T00:00:00.000Z"}
        return entry | ({"lfs": lfs} if file.sha256 else {})

    # --- writing ------------------------------------------------------------------------------------------------------

    def _do_preupload(self, repo: str, revision: str) -> None:
        body = self._read_json()
        self._require_right(repo)
        files = self._find(repo, revision).files
        answers = []
        for asked in body["files"]:
            large = asked["path"].endswith(".parquet") or asked["size"] > 10_000_000
            known = files.get(asked["path"])
            oid = {"oid": known.sha256 or known.blob_id} if known else {}
            mode = "lfs" if large else "regular"
            answers.append({"path": asked["path"], "uploadMode": mode, "shouldIgnore": False, **oid})
        self._send(200, {"files": answers})

    def _do_batch(self, repo: str) -> None:
        body = self._read_json()
        self._require_right(repo)
        objects = []
        for asked in body["objects"]:
            entry: dict[str, Any] = {"oid": asked["oid"], "size": asked["size"]}
            if not (self.hub.folder / asked["oid"]).exists():
                entry["actions"] = {
                    "upload": {"href": f"{self.hub.url}/lfs/{asked['oid']}"},
                    "verify": {"href": f"{self.hub.url}/lfs/verify"},
                }
            objects.append(entry)
        self._send(200, {"transfer": "basic", "objects": objects})

    def _do_upload(self, oid: str) -> None:
        digest = hashlib.sha256()
        aside = self.hub.folder / f".{oid}-{threading.get_ident()}"
        with aside.open("wb") as stream:
            for block in self._iterate_body():
                digest.update(block)
                stream.write(block)
        if digest.hexdigest() != oid:
            aside.unlink()
            raise _Refused(400, "the content has another hash")
        with self.hub.lock:
            aside.replace(self.hub.folder / oid)
            self.hub.uploads[oid] += 1
        self._send(200, {})

    def _do_verify(self) -> None:
        body = self._read_json()
        path = self.hub.folder / body["oid"]
        if not path.exists() or path.stat().st_size != body["size"]:
            raise _Refused(404, "no such object")
        self._send(200, {})

    def _do_commit(self, repo: str, revision: str) -> None:
        lines = [json.loads(line) for line in self._read_body().splitlines() if line]
        self._require_right(repo)
        self.hub.before_commit()
        with self.hub.lock:
            now = self._find(repo, revision)
            header = lines[0]["value"]
            if header.get("parentCommit", now.oid) != now.oid:
                raise _Refused(412, "A commit has happened since. Please refresh and try again.")
            files = dict(now.files)
            for line in lines[1:]:
                value = line["value"]
                path = value["path"]
                if line["key"] == "file":
                    files[path] = store_small(base64.b64decode(value["content"]))
                elif line["key"] == "lfsFile":
                    if not (self.hub.folder / value["oid"]).exists():
                        raise _Refused(400, f"{path} was not uploaded")
                    files[path] = store_large(value["oid"], value["size"])
                elif line["key"] == "deletedFile":
                    if path not in files:
                        raise _Refused(404, "A file with this name doesn't exist", "EntryNotFound")
                    del files[path]
            if len(lines) > 501:
                raise _Refused(413, "too many files in one commit")
            made = self.hub.datasets[repo].add(revision, header["summary"], files)
        url = f"{self.hub.url}/datasets/{repo}/commit/{made.oid}"
        self._send(200, {"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})

    # --- reading ------------------------------------------------------------------------------------------------------

    def _do_resolve(self, repo: str, revision: str, path: str) -> None:
        commit = self._find(repo, revision)
        if path not in commit.files:
            raise _Refused(404, "Entry not found", "EntryNotFound")
        file = commit.files[path]
        etag = f'"{file.sha256 or file.blob_id}"'
        headers = {"ETag": etag, "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        if file.sha256:
            headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(file.size)}
        content = self.hub.content(file)
        status = 200
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(asked[1]), min(int(asked[2] or file.size - 1), file.size - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
            content, status = content[first : last + 1], 206
            with self.hub.lock:
                self.hub.ranges += 1
        self._send(status, content, headers)

    # --- plumbing -----------------------------------------------------------------------------------------------------

    def _find(self, repo: str, revision: str) -> Commit:
        dataset = self.hub.datasets.get(repo)
        if dataset is None or (dataset.private and self._token() not in (GOOD_TOKEN, READER_TOKEN)):
            raise _Refused(401 if self._token() is None else 404, "Repository not found", "RepoNotFound")
        commit = dataset.find(revision)
        if commit is None:
            raise _Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def _token(self) -> str | None:
        given = self.headers.get("Authorization", "")
        return given.removeprefix("Bearer ") if given.startswith("Bearer ") else None

    def _require_token(self) -> None:
        if self._token() not in (GOOD_TOKEN, READER_TOKEN):
            raise _Refused(401, "Invalid credentials in Authorization header")

    def _require_right(self, repo_id: str) -> None:
        self._require_token()
        if self._token() != GOOD_TOKEN or repo_id.partition("/")[0] != "anna":
            raise _Refused(403, f"You don't have the rights to write to {repo_id}")

    def _iterate_body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                left = size
                while left:
                    block = self.rfile.read(min(left, 1 << 20))
                    if not block:
                        raise _Cut
                    left -= len(block)
                    yield block
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left:
            block = self.rfile.read(min(left, 1 << 20))
            if not block:
                raise _Cut
            left -= len(block)
            yield block

    def _read_body(self) -> bytes:
        return b"".join(self._iterate_body())

    def _read_json(self) -> dict[str, Any]:
        return dict(json.loads(self._read_body() or b"{}"))

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        if getattr(self, "_lost", False) and status < 400:
            raise _Cut
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if not isinstance(content, bytes):
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def check_metadata(head: Any) -> list[str]:
    """What the Hub's validator says of a card's metadata, as far as docmatix writes it."""
    if not isinstance(head, dict):
        return ["the metadata must be a mapping"]
    infos = head.get("dataset_info") or []
    splits = [split for info in (infos if isinstance(infos, list) else [infos]) for split in info.get("splits", ())]
    lists = ("language", "tags", "task_categories", "size_categories")
    return [
        *(f'"{key}" must be a string or an array' for key in lists if not isinstance(head.get(key, []), (list, str))),
        *(
            '"configs[0].config_name" is required'
            for entry in head.get("configs") or ()
            if not isinstance(entry, dict) or not isinstance(entry.get("config_name"), str)
        ),
        *(
            '"dataset_info[0].splits[0]" must have numbers'
            for split in splits
            if not isinstance(split.get("num_examples"), int) or not isinstance(split.get("num_bytes"), int)
        ),
    ]
