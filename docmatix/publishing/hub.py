"""A dataset repository on the Hub, with calls that are retried when it is busy, cut off, or its branch has moved.

Retries wait as long as the Hub's headers say, else for a growing, jittered pause, and for an exhausted quota as long as
it is counted. A commit is retried only after a fresh look: a lost answer may belong to a commit that was made.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from docmatix.core.errors import BuildError, DocmatixError, SetupError
from docmatix.publishing.hub_errors import describe_error, judge_error, read_quota_wait, walk_causes

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationCopy, HfApi

T = TypeVar("T")
Say = Callable[[str], object]

TRIES = 10
_MAKE = "make the repository"
_LONGEST_WAIT_S = 3900.0  # the Hub counts commits by the hour
_SILENCE_S = 300.0  # the client has no time limit of its own
_REPO_ID = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9_])?/[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of the repository: `sha256` if it is stored as a large file, and git's hash of its content."""

    size: int
    sha256: str | None
    blob_id: str

    def holds(self, content: bytes) -> bool:
        if self.sha256 is not None:
            return hashlib.sha256(content).hexdigest() == self.sha256
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == self.blob_id


@dataclass(frozen=True, slots=True)
class Tree:
    """What the repository holds at one commit; without `head` or files if it does not exist."""

    head: str | None
    files: Mapping[str, RemoteFile]


class Repository:
    """One branch of a dataset repository; a call that may succeed later is attempted up to `tries` times.

    Raises SetupError for a wrong token, name or rights, BuildError if the Hub does not respond or refuses.
    """

    def __init__(
        self,
        repo_id: str,
        *,
        revision: str | None = None,
        endpoint: str | None = None,
        token: str | None = None,
        tries: int = TRIES,
        say: Say = lambda line: None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        from huggingface_hub import HfApi

        check_repo_id(repo_id)
        self.repo_id = repo_id
        self.revision = revision or "main"
        self.api: HfApi = HfApi(endpoint=endpoint, token=token, library_name="docmatix")
        self.commits = 0
        self._tries, self._say, self._sleep = tries, say, sleep
        self._where: dict[str, Any] = {"repo_id": repo_id, "repo_type": "dataset"}

    @property
    def url(self) -> str:
        tail = "" if self.revision == "main" else f"/tree/{self.revision}"
        return f"{self.api.endpoint}/datasets/{self.repo_id}{tail}"

    def prepare(self, *, private: bool = False) -> None:
        """Create the repository and the branch if they are missing, and prove the right to write. Sends no file."""
        from huggingface_hub import CommitOperationAdd, get_token

        if not (self.api.token or get_token()):
            raise SetupError("There is no token for the Hub: run `hf auth login`, or set HF_TOKEN.")

        def make() -> None:
            if self.api.repo_exists(**self._where):
                if private and not self.api.repo_info(**self._where).private:
                    raise SetupError(
                        f"{self.repo_id} exists and is public: make it private in its settings, or leave out --private."
                    )
            else:
                self.api.create_repo(self.repo_id, repo_type="dataset", private=private or None, exist_ok=True)
            if self.revision != "main" and not self.revision.startswith("refs/"):
                self.api.create_branch(**self._where, branch=self.revision, exist_ok=True)
            # asking how a file would be sent is refused without the right to write; nothing is sent
            probe = CommitOperationAdd("README.md", b"---\n---\n")
            self.api.preupload_lfs_files(**self._where, additions=[probe], revision=self.revision)

        self._persist(_MAKE, make)

    def look(self) -> Tree:
        """The repository as it is now."""
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
        from huggingface_hub.hf_api import RepoFile

        def read() -> Tree:
            try:
                head = self.api.repo_info(**self._where, revision=self.revision).sha
            except (RepositoryNotFoundError, RevisionNotFoundError):
                return Tree(None, {})
            listed = self.api.list_repo_tree(**self._where, revision=head, recursive=True)
            files = {
                item.path: RemoteFile(item.size, item.lfs.sha256 if item.lfs else None, item.blob_id)
                for item in listed
                if isinstance(item, RepoFile)
            }
            return Tree(head, files)

        return self._persist("list the repository", read)

    def read(self, name: str, tree: Tree) -> bytes | None:
        """A small file; None if it does not exist."""
        if name not in tree.files:
            return None

        def fetch() -> bytes:
            with tempfile.TemporaryDirectory() as folder:
                at = self.api.hf_hub_download(**self._where, filename=name, revision=tree.head, local_dir=folder)
                return Path(at).read_bytes()

        return self._persist(f"read {name}", fetch)

    def upload(self, additions: Sequence[CommitOperationAdd]) -> None:
        """Send contents that the Hub lacks; they show in the repository only once they are committed."""
        options: dict[str, Any] = {**self._where, "revision": self.revision, "num_threads": 4, "free_memory": False}
        self._persist("send files", lambda: self.api.preupload_lfs_files(additions=list(additions), **options))

    def commit(
        self, message: str, compose: Callable[[Tree], tuple[Iterable[CommitOperationAdd], Iterable[str]]], tree: Tree
    ) -> Tree:
        """Commit what `compose` gives for the current tree (additions, paths to delete); returns the new tree.

        `compose` is called again when the branch has moved or an answer was lost; when it gives nothing, it is done.
        """
        from huggingface_hub import CommitOperationDelete

        seen: Tree | None = tree
        tried = False

        def attempt() -> None:
            nonlocal seen, tried
            if seen is None:
                seen = self.look()
            now, seen = seen, None
            additions, deletions = compose(now)
            gone = [CommitOperationDelete(path, is_folder=False) for path in deletions if path in now.files]
            operations: list[CommitOperationAdd | CommitOperationCopy | CommitOperationDelete] = [*additions, *gone]
            if operations:
                tried = True
                where = {**self._where, "revision": self.revision, "parent_commit": now.head}
                self.api.create_commit(operations=operations, commit_message=message, **where)
            if tried:  # even if only its answer was lost
                self.commits += 1

        self._persist("commit", attempt)
        return self.look()

    def _persist(self, what: str, step: Callable[[], T]) -> T:
        from huggingface_hub import get_session

        attempts = tries = 0
        patience_s = _LONGEST_WAIT_S
        while True:
            attempts += 1
            get_session().timeout = _SILENCE_S
            try:
                with _client_waits_reported(self._say):
                    return step()
            except DocmatixError:
                raise
            except Exception as error:
                again, wait_s = judge_error(error)
                if not again:
                    raise self._translate(error, what) from error
                quota_s = read_quota_wait(error)
                if quota_s is None:
                    tries += 1
                    given_up = tries >= self._tries or (wait_s or 0) > _LONGEST_WAIT_S
                    if wait_s is None:
                        wait_s = min(60.0, 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)
                else:  # quotas are counted by the hour, so ten tries would end too soon
                    given_up = quota_s > _LONGEST_WAIT_S or patience_s <= 0
                    wait_s = min(quota_s, patience_s)
                    patience_s -= wait_s
                reason = describe_error(error)
                if given_up:
                    advice = "Rerun the command later; what was sent is not sent again."
                    raise BuildError(
                        f"The Hub request to {what} failed ({reason}) after {attempts} attempts. {advice}"
                    ) from error
                self._say(f"The Hub request to {what} failed ({reason}); retrying in {_describe_wait(wait_s)}.")
                self._sleep(wait_s)

    def _translate(self, error: Exception, what: str) -> Exception:
        from huggingface_hub import errors

        if isinstance(error, errors.OfflineModeIsEnabled):
            return SetupError("HF_HUB_OFFLINE is set, so the Hub cannot be reached: unset it.")
        causes = (each for each in walk_causes(error) if isinstance(each, errors.HfHubHTTPError))
        status = next((each.response.status_code for each in causes), None)
        missing = isinstance(error, errors.RepositoryNotFoundError)
        if status == 401 and (not missing or what == _MAKE):
            return SetupError("The Hub does not accept the token: run `hf auth login`, or set HF_TOKEN to a valid one.")
        reason = describe_error(error)
        if status == 403 and "storage" not in reason.lower():
            advice = f"use one with write access to this repository ({reason})"
            return SetupError(f"The token does not allow writing to {self.repo_id}: {advice}.")
        if missing:
            return SetupError(f"The Hub has no dataset {self.repo_id} that this token can see.")
        if isinstance(error, errors.HFValidationError):
            return SetupError(f"{self.repo_id} is not a valid repository name: use OWNER/NAME.")
        return BuildError(f"{f'Could not {what}' if status is None else f'The Hub refused to {what}'}: {reason}.")


def check_repo_id(repo_id: str) -> None:
    """Raise SetupError if the Hub would not take the name of a repository."""
    if not _REPO_ID.fullmatch(repo_id) or len(repo_id) > 96 or ".." in repo_id or "--" in repo_id:
        raise SetupError(f"{repo_id!r} is not a valid repository name: use OWNER/NAME, such as anna/invoices.")


def _describe_wait(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


@contextlib.contextmanager
def _client_waits_reported(say: Say) -> Iterator[None]:
    """Silence the client's bars and warnings, but report its own long waits through `say`."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    class Reporter(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if (message := record.getMessage()).startswith("Rate limited"):
                say(f"The Hub is busy: {message}")

    logger = logging.getLogger("huggingface_hub.utils._http")
    reporter, propagates, were_disabled = Reporter(), logger.propagate, are_progress_bars_disabled()
    logger.addHandler(reporter)
    logger.propagate = False
    if not were_disabled:
        disable_progress_bars()
    try:
        yield
    finally:
        logger.removeHandler(reporter)
        logger.propagate = propagates
        if not were_disabled:
            enable_progress_bars()
