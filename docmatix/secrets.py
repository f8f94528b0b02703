"""Secrets that stand in addresses and settings, and how they are kept out of files, names and messages.

A source may be `https://user:password@host/a.pdf`, or a link that is signed in its query. Such an address is used where
it was given, in memory; what is written, published or said is `hide_in_url` of it. Pure: no environment, no files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from urllib.parse import unquote

MASK = "***"
SHORTEST = 8

_SCHEME = re.compile(r"(?:[A-Za-z][\w+.-]*::)*[A-Za-z][\w+.-]*://")
_ROOT = re.compile(_SCHEME.pattern + r"[^/?#]*")
_USER = re.compile(r"(^|::|[=?])([A-Za-z][\w+.-]*)://([^/?#]*)@")
"""fsspec chains addresses (`simplecache::https://user:password@host/a.pdf`), and a proxy takes one in its query."""
_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"<>]+")
_PARAMETER = re.compile(r"([?&;#])([^=&;#?]+)=([^&;#]*)")
_QUERY = re.compile(r"[?#]")
_SLASH = re.compile("/")
_WILDCARD = re.compile(r"[*?\[]")

_WITHOUT_USERS = {"file", "github", "libarchive", "local", "memory", "tar", "zip"}
_WITH_CONTAINERS = {"abfs", "abfss", "az", "wasb", "wasbs"}
_WITH_NAMES = {"hdfs", "sftp", "smb", "ssh", "webhdfs"}
"""Where what stands before an `@` may be no secret: a part of a name, a container, a user without a password."""

_SECRET_PARAMETER = re.compile(
    r"x-amz-.*|x-goog-.*|\w*accesskeyid|googleaccessid|key-pair-id|sig|sas|jwt|bearer|pwd|pass|"
    r"auth|(?:.*[-_.])?authorization|oauth[-_.].*|"
    r".*(?:token(?!s|i[sz])|signature(?!s)|secret(?!s|ar)|password|passwd|passphrase|passcode|credential).*|"
    r".*(?:api|auth|access|secret|private)[-_]?key",
    re.IGNORECASE,
)
_SECRET_OR_NAME = re.compile(
    r"(?i:code|(?:.*[-_.])?(?:key|auth(?:[-_.].*)?)|.*(?:token|signature|secret)s.*)|.*[a-z]Key"
)
"""What is a secret at one address, and the name of a document at another."""
_AZURE = frozenset(
    "saoid scid sdd sduoid se ses si sip skoid sks skt sktid ske skv sp spr sr srt ss st suoid sv".split()
)
"""What a shared access signature is made of, beside `sig`."""
_HIDDEN_NAME = re.compile(r"\*{3}[0-9a-f]{12}[]).,:!]*")
_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:TOKEN|(?:API|ACCESS|PRIVATE|SECRET)?KEY|ACCESS[_-]?KEY[_-]ID|SECRETS?(?:[_-]\w+)*|\w*PASSWORD|"
    r"PASSWD|PASSPHRASE|PASS|(?<=[_-])PWD|PAT|CREDENTIALS?|AUTH|CONNECTION[_-]?STRING)(?:[_-]?\d+)?$|"
    r"^(?!-)(?:\w+_)?(?:TOKEN|SECRET)_",
    re.IGNORECASE,
)
"""A `token` within an option's name counts something (`--long-prefill-token-threshold`), within a variable's it is one
(`AWS_BEARER_TOKEN_BEDROCK`)."""


def hide_in_url(url: str) -> str:
    """The URL without `user:password@`, and with `***` for the values of parameters that are named like secrets.

    A link that was signed anew stays the same: all that changes with each signature is hidden with it. What may as well
    name a document (`?key=7`) becomes `***` and a hash, so that another value is still another address. A path is no
    URL, and stays as it is. Applying it again changes nothing."""
    if not _SCHEME.match(url):
        return url
    url = _USER.sub(_hide_user, url)
    begin = _QUERY.search(url)
    return url if begin is None else url[: begin.start()] + _hide_parameters(url[begin.start() :])


def hide_in_text(text: str) -> str:
    """`hide_in_url` of every URL in a message."""
    return _URL.sub(lambda match: hide_in_url(match[0]), text) if "://" in text else text


class GivenUrls:
    """The addresses of a configuration, to find the secrets again that `hide_in_url` left out."""

    def __init__(self, given: Sequence[str]) -> None:
        self._given = {hide_in_url(url): url for url in given}
        self._roots: dict[str, dict[str, list[str]]] = {}
        """Folder -> what addresses below it begin with where they were given -> these addresses."""
        self._hold_secrets = any(hidden != url for hidden, url in self._given.items())
        if self._hold_secrets:
            for hidden, url in self._given.items():
                self._enter(hidden, url)

    def restore(self, url: str) -> str:
        """The URL as it was before `hide_in_url`: one of those that were given, or one that begins with the
        `user:password@` of the one that shares the most folders with it. A URL that was given without gets none."""
        if not self._hold_secrets:
            return url
        if url in self._given:
            return self._given[url]
        root = _ROOT.match(url)
        if root is None:
            return url
        for folder in reversed(_list_folders(url, root.end())):
            if roots := self._roots.get(folder):
                return _choose_root(roots, url, root.end()) + url[root.end() :]
        return url

    def _enter(self, hidden: str, url: str) -> None:
        root, hidden_root = _ROOT.match(url), _ROOT.match(hidden)
        if root is None or hidden_root is None:
            return
        wildcard = _WILDCARD.search(hidden, hidden_root.end())
        # without a wildcard it may be a folder itself
        fixed = hidden[: wildcard.start()] if wildcard else hidden.rstrip("/") + "/"
        for folder in _list_folders(fixed, hidden_root.end()):
            self._roots.setdefault(folder, {}).setdefault(root[0], []).append(hidden)


def is_secret_name(name: str) -> bool:
    """Whether an environment variable or an option (`HF_TOKEN`, `--hf-token`) is named like a secret."""
    return _SECRET_NAME.search(name) is not None


def hide_in_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables with `***` for the values of those that are named like secrets."""
    return {name: MASK if is_secret_name(name) else hide_in_text(value) for name, value in variables.items()}


def hide_in_arguments(arguments: Sequence[str]) -> list[str]:
    """A command's arguments with `***` for what follows an option that is named like a secret."""
    hidden: list[str] = []
    after_secret = False
    for argument in arguments:
        option, equals, _ = argument.partition("=")
        if option.startswith("-") and is_secret_name(option):
            hidden.append(f"{option}={MASK}" if equals else option)
            after_secret = not equals
        else:
            hidden.append(MASK if after_secret else hide_in_text(argument))
            after_secret = False
    return hidden


def list_secrets(variables: Mapping[str, str], arguments: Sequence[str] = ()) -> list[str]:
    """The values of variables, and of options among a command's arguments, that are named like secrets. Those of fewer
    than `SHORTEST` characters are left out: to hide `1` or `none` would garble every message."""
    found = [value for name, value in variables.items() if is_secret_name(name)]
    for place, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option.startswith("-") and is_secret_name(option):
            found += [value] if equals else arguments[place + 1 : place + 2]
    return sorted({value for value in found if len(value) >= SHORTEST}, key=len, reverse=True)


def hide_values(text: str, secrets: Sequence[str]) -> str:
    """The text with `***` for each of the secrets, the longest of which stand first."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _hide_user(match: re.Match[str]) -> str:
    before, scheme, user = match.groups()
    name, *password = re.split(":|%3A", user, maxsplit=1, flags=re.IGNORECASE)
    kind = scheme.lower()
    if kind in _WITHOUT_USERS or (kind in _WITH_CONTAINERS | _WITH_NAMES and not password):
        return match[0]
    return f"{before}{scheme}://" + (f"{name}@" if kind in _WITH_CONTAINERS else "")


def _hide_parameters(query: str) -> str:
    names = {unquote(match[2]).lower() for match in _PARAMETER.finditer(query)}
    signed: set[str] = set()
    if any(map(_SECRET_PARAMETER.fullmatch, names)):
        signed.add("expires")
    if {"signature", "key-pair-id"} <= names:
        signed.add("policy")
    if "sig" in names and names & {"se", "si"}:
        signed |= _AZURE

    def hide(match: re.Match[str]) -> str:
        mark, given, value = match.groups()
        name = unquote(given)
        if name.lower() in signed or _SECRET_PARAMETER.fullmatch(name):
            return f"{mark}{given}={MASK}"
        if value and _SECRET_OR_NAME.fullmatch(name) and not _HIDDEN_NAME.fullmatch(value):
            return f"{mark}{given}={MASK}{hashlib.blake2b(value.encode(), digest_size=6).hexdigest()}"
        return match[0]

    return _PARAMETER.sub(hide, query)


def _choose_root(roots: Mapping[str, Sequence[str]], url: str, start: int) -> str:
    """Of several the one whose pattern the URL, whose path begins at `start`, matches; else the first."""
    path = url[start:]
    if len(roots) > 1:
        for root, patterns in roots.items():
            for pattern in (each[start:] for each in patterns):
                as_deep = "**" in pattern or pattern.count("/") == path.count("/")
                if as_deep and fnmatchcase(path, pattern):
                    return root
    return next(iter(roots))


def _list_folders(url: str, start: int) -> list[str]:
    """The beginnings of a URL that end in a slash of its path, which begins at `start`; the shortest first."""
    query = _QUERY.search(url, start)
    end = query.start() if query else len(url)
    return [url[: match.end()] for match in _SLASH.finditer(url, start, end)]
