"""Finds secrets in URLs and settings, to keep them out of files, names and messages.

A source may be `https://user:password@host/a.pdf`, or a signed link. Such a URL is used only in memory; what is
written, published or printed is `hide_in_url` of it. Pure: no environment, no files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from urllib.parse import unquote

MASK = "***"
SHORTEST = 8

_SCHEME = re.compile(r"(?:[A-Za-z][\w+.-]*::)*[A-Za-z][\w+.-]*://")
_ROOT = re.compile(_SCHEME.pattern + r"[^/?#]*")
# fsspec chains URLs (`simplecache::https://user:password@host/a.pdf`), and a proxy takes one in its query
_USER = re.compile(r"(^|::|[=?])([A-Za-z][\w+.-]*)://([^/?#]*)@")
_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"<>]+")
_PARAMETER = re.compile(r"([?&;#])([^=&;#?]+)=([^&;#]*)")
_PARAMETER_NAME = re.compile(r"[?&;#]([^=&;#?]+)=")
_NEXT = re.compile("[&;#]")
_NEXT_OR_INNER = re.compile("[&;#?]")
_QUERY = re.compile(r"[?#]")
_SLASH = re.compile("/")
_LAST_NAME = re.compile(r"[A-Za-z][\w+.-]*$")
_PATH_PARAMETER = re.compile(r"://|;([^=;/]+)=([^;/]*)")
_WILDCARD = re.compile(r"[*?\[]")

# schemes where what precedes an `@` may be public: part of a name, a container, a user without a password
_WITHOUT_USERS = {"file", "github", "libarchive", "local", "memory", "tar", "zip"}
_WITH_CONTAINERS = {"abfs", "abfss", "az", "wasb", "wasbs"}
_WITH_NAMES = {"hdfs", "sftp", "smb", "ssh", "webhdfs"}

_SECRET_PARAMETER = re.compile(
    r"x-amz-.*|x-goog-.*|\w*accesskeyid|googleaccessid|key-pair-id|sig|sas|jwt|bearer|pwd|pass|"
    r"auth|(?:.*[-_.])?authorization|oauth[-_.].*|"
    r".*(?:token(?!s|i[sz])|signature(?!s)|secret(?!s|ar)|password|passwd|passphrase|passcode|credential).*|"
    r".*(?:api|auth|access|secret|private)[-_]?key",
    re.IGNORECASE,
)
# a secret in one URL, and the name of a document in another
_SECRET_OR_NAME = re.compile(
    r"(?i:code|(?:.*[-_.])?(?:key|auth(?:[-_.].*)?)|.*(?:token|signature|secret)s.*)|.*[a-z]Key"
)
# hidden since a later version, as `***` and a hash, so that different URLs stay different
_FURTHER_PARAMETER = re.compile(
    r"(?i:sid|(?:.*[-_.])?(?:php|asp\.?net_?|j|cf|user|auth|login)?sess(?:ion)?(?:[-_.]?id)?|aspsessionid.*|"
    r"(?:.*[-_.])?(?:ticket|jwt|bearer|cookies?|dsn|pat|pwd|creds|web_?hook(?:[-_]?ur[il])?))"
)
# Hosts whose paths are the secret. On other hosts, a folder `webhooks` may contain documents.
_WEBHOOK = re.compile(
    r"(?i)(://(?:hooks\.slack(?:-gov)?\.com(?::\d+)?/(?:services|workflows|triggers)"
    r"|(?:\w+\.)?discord(?:app)?\.com(?::\d+)?/api(?:/v\d+)?/webhooks"
    r"|(?:[\w-]+\.webhook\.office|outlook\.office(?:365)?)\.com(?::\d+)?/webhook\w*"
    r"|hooks\.zapier\.com(?::\d+)?/hooks|maker\.ifttt\.com(?::\d+)?/(?:trigger|use))/"
    r"|://api\.telegram\.org(?::\d+)?/(?:file/)?bot(?=[^/?#&]))([^?#&]*)"
)
# Schemes in which `;` is part of a file's name: a listing may return one that no configuration could restore.
_STORES = frozenset(
    "abfs abfss adl az file gcs github gs hdfs hf libarchive local memory s3 s3a sftp smb ssh tar wasb wasbs webhdfs"
    " zip".split()
)
# the parts of a shared access signature besides `sig`
_AZURE = frozenset(
    "saoid scid sdd sduoid se ses si sip skoid sks skt sktid ske skv sp spr sr srt ss st suoid sv".split()
)
_HIDDEN_NAME = re.compile(r"\*{3}[0-9a-f]{12}[]).,:!]*")
_HIDDEN = re.compile(r"\*{3}(?:[0-9a-f]{12})?[]).,:!]*")
# A `token` inside an option's name is a count (`--long-prefill-token-threshold`), inside a variable's a secret
# (`AWS_BEARER_TOKEN_BEDROCK`). A desktop's session is not a secret.
_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:(?:ACCESS|API|AUTH|BEARER|BOT|HF|ID|REFRESH|SESSION)?TOKEN|"
    r"(?:API|ACCESS|AUTH|PRIVATE|SECRET)?KEY|ACCESS[_-]?KEY[_-]ID|SECRETS?(?:[_-]\w+)*|\w*PASSWORD|"
    r"PASSWD|PASSPHRASE|PASSCODE|PASS|(?<=[_-])PWD|PAT|CREDENTIALS?|CREDS|AUTH|AUTHORIZATION|BEARER|JWT|COOKIES?|DSN|"
    r"WEB_?HOOKS?(?:[_-]UR[IL])?|CONN(?:ECTION)?[_-]?STR(?:ING)?)(?:[_-]?\d+)?$|"
    r"^(?!-)(?:\w+_)?(?:TOKEN|SECRET)_|"
    r"^(?!(?:DESKTOP|TERM|XDG)_)(?:.*[_-])?(?:J|PHP)?(?:SESS(?:ION)?(?:[_-]?ID)?|SID|TICKET)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_ASSIGNMENT = re.compile(
    r"""(?P<quote>\\*["'])?(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*)(?P<closed>(?P=quote))?\s*(?P<sign>=>|=|:(?!//))\s*"""
)
_WORD = re.compile(r"""[^\s;,=:{}\[\]"'\\]+""")
_QUOTE = re.compile(r"""\\*["']""")
_SCHEMED = re.compile(r"(?i)\b(?:bearer|basic(?=\s+[\w+/=-]{8}))\s+([^\s\"']+)")
_WHOLE_LINE = re.compile(r"(?i:.*(?:authorization|auth|bearer|cookies?))")
# a tokenizer's settings, in the JSON of options: `{"eos_token": "<|im_end|>"}`
_OF_A_TOKENIZER = re.compile(
    r"(?i:(?:.*_)?(?:additional|audio|begin|bos|cls|decoder_start|end|eos|image|mask|pad|sep|special|start|stop|think|tool|"
    r"unk|video|vision)_token)"
)


def hide_in_url(url: str) -> str:
    """The URL without `user:password@`, and with `***` for parameters named like secrets or that change with each
    signature. What may also name a document (`?key=7`) becomes `***` and a hash, so that it stays distinct. Idempotent,
    also on what an earlier version hid less of. Paths stay unchanged."""
    if not _SCHEME.match(url):
        return url
    url = _WEBHOOK.sub(_hide_path, identify_url(url))
    path, query = _cut_query(url)
    if ";" in path:
        path = _hide_path_parameters(path)
    return path + _hide_further(query)


def identify_url(url: str) -> str:
    """The URL as in fingerprints: by the rules of the first version, which never change, so that existing runs keep
    their fingerprints."""
    if not _SCHEME.match(url):
        return url
    path, query = _cut_query(_USER.sub(_hide_user, url))
    return path + (_hide_parameters(query) if query else "")


def hide_in_text(text: str) -> str:
    """The message with `hide_in_url` applied to every URL in it."""
    return _URL.sub(lambda match: hide_in_url(match[0]), text) if "://" in text else text


class GivenUrls:
    """A configuration's URLs, from which to restore the secrets that `hide_in_url` removed."""

    def __init__(self, given: Sequence[str]) -> None:
        self._given = {hide_in_url(url): url for url in given}
        self._roots: dict[str, dict[str, list[str]]] = {}
        """Folder without secrets -> the folder as given -> the given URLs without secrets."""
        self._hold_secrets = any(hidden != url for hidden, url in self._given.items())
        if self._hold_secrets:
            for hidden, url in self._given.items():
                self._enter(hidden, url)

    def restore(self, url: str) -> str:
        """The URL before `hide_in_url`: a given one, or this one below the folder (with `user:password@`) of the given
        URL that shares the most folders with it."""
        if not self._hold_secrets:
            return url
        hidden = hide_in_url(url)  # an earlier version may have hidden less
        if hidden in self._given:
            return self._given[hidden]
        root, hidden_root = _ROOT.match(url), _ROOT.match(hidden)
        if root is None or hidden_root is None:
            return url
        folders = zip(_list_folders(url, root.end()), _list_folders(hidden, hidden_root.end()), strict=True)
        for folder, hidden_folder in reversed(list(folders)):
            if given := self._roots.get(hidden_folder):
                return _choose_folder(given, hidden, hidden_root.end()) + url[len(folder) :]
        return url

    def _enter(self, hidden: str, url: str) -> None:
        root, hidden_root = _ROOT.match(url), _ROOT.match(hidden)
        if root is None or hidden_root is None:
            return
        wildcard = _WILDCARD.search(url, root.end())
        # a URL without a wildcard may itself be a folder
        fixed, hidden_fixed = (each.rstrip("/") + "/" for each in (url, hidden))
        if wildcard:
            fixed = url[: wildcard.start()]
        pattern = hidden.replace(MASK, "[*]" * len(MASK))
        # hiding keeps the slashes of a path, so that the folders of both correspond
        given = zip(_list_folders(hidden_fixed, hidden_root.end()), _list_folders(fixed, root.end()), strict=False)
        for hidden_folder, folder in given:
            self._roots.setdefault(hidden_folder, {}).setdefault(folder, []).append(pattern)


def is_secret_name(name: str) -> bool:
    """Whether a variable or an option (`HF_TOKEN`, `--hf-token`) is named like a secret."""
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


def hide_in_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables with `***` for those named like secrets, and for secrets inside others."""
    return {name: MASK if is_secret_name(name) else _hide_in_setting(value) for name, value in variables.items()}


def hide_in_arguments(arguments: Sequence[str]) -> list[str]:
    """A command's arguments with `***` for the values of options named like secrets, and for secrets inside others:
    headers (`Authorization: Bearer x`), JSON (`{"hf_token": "x"}`), settings (`Pwd=x;`), URLs."""
    hidden: list[str] = []
    after_secret = False
    for argument in arguments:
        option, equals, _ = argument.partition("=")
        if option.startswith("-") and is_secret_name(option):
            hidden.append(f"{option}={MASK}" if equals else option)
            after_secret = not equals
        else:
            hidden.append(MASK if after_secret else _hide_in_setting(argument))
            after_secret = False
    return hidden


def list_secrets(variables: Mapping[str, str], arguments: Sequence[str] = ()) -> list[str]:
    """The values of variables and options named like secrets, and the secrets inside others, longest first. Those
    shorter than `SHORTEST` are left out: hiding `1` or `none` would garble every message."""
    found = [value for name, value in variables.items() if is_secret_name(name)]
    texts = [value for name, value in variables.items() if not is_secret_name(name)]
    after_secret = False
    for argument in arguments:
        option, equals, value = argument.partition("=")
        named = option.startswith("-") and is_secret_name(option)
        if named and equals:
            found.append(value)
        elif after_secret:
            found.append(argument)
        elif not named:
            texts.append(argument)
        after_secret = named and not equals
    for text in texts:
        for start, end in _find_in_setting(text):
            # a log may contain the token alone, or the header that it was sent in
            found += [text[start:end], *_WORD.findall(text, start, end)]
        for url in _URL.findall(text):
            found += [unquote(user.partition(":")[2]) for _, _, user in _USER.findall(url)]
    return sorted({value for value in found if len(value) >= SHORTEST}, key=len, reverse=True)


def hide_values(text: str, secrets: Sequence[str]) -> str:
    """The text with `***` for each of the secrets, which must come longest first."""
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


def _cut_query(url: str) -> tuple[str, str]:
    begin = _QUERY.search(url)
    return (url, "") if begin is None else (url[: begin.start()], url[begin.start() :])


def _hash(value: str) -> str:
    return MASK + hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _hide_path(match: re.Match[str]) -> str:
    # part by part, so that the path keeps its slashes
    parts = match[2].split("/")
    return match[1] + "/".join(part if not part or _HIDDEN.fullmatch(part) else _hash(part) for part in parts)


def _hide_path_parameters(path: str) -> str:
    kind = ""

    def hide(match: re.Match[str]) -> str:
        nonlocal kind
        name, value = match.groups()
        if name is None:
            before = _LAST_NAME.search(path, max(0, match.start() - 20), match.start())
            kind = before[0].lower() if before else ""
        elif kind not in _STORES and value and not _HIDDEN.fullmatch(value):
            plain = unquote(name)
            if _SECRET_PARAMETER.fullmatch(plain) or _FURTHER_PARAMETER.fullmatch(plain):
                return f";{name}={_hash(value)}"
        return match[0]

    return _PATH_PARAMETER.sub(hide, path)


def _hide_further(query: str) -> str:
    parts, done = [], 0
    for start, end in _find_parameters(query):
        if start < end and not _HIDDEN.fullmatch(query, start, end):
            parts += [query[done:start], _hash(query[start:end])]
            done = end
    return "".join([*parts, query[done:]])


def _find_parameters(query: str, *, encoded: bool = True) -> Iterator[tuple[int, int]]:
    """The spans of secret parameter values, also in a URL that is itself a parameter's value; if that is `encoded`, the
    span of the whole value."""
    done = 0
    for match in _PARAMETER_NAME.finditer(query):
        if match.start() < done:
            continue
        name, start = unquote(match[1]), match.end()
        if any(rule.fullmatch(name) for rule in (_FURTHER_PARAMETER, _SECRET_PARAMETER, _SECRET_OR_NAME)):
            following = _NEXT.search(query, start)
            done = following.start() if following else len(query)
            yield start, done
            continue
        following = _NEXT_OR_INNER.search(query, start)
        end = following.start() if following else len(query)
        plain = unquote(query[start:end]) if encoded and "%" in query[start:end] else ""
        if "://" in plain and (identify_url(plain) != plain or any(_find_parameters(plain, encoded=False))):
            done = end
            yield start, end


def _hide_in_setting(text: str) -> str:
    text = hide_in_text(text)
    parts, done = [], 0
    for start, end in _find_in_setting(text):
        parts += [text[done:start], MASK]
        done = end
    return "".join([*parts, text[done:]])


def _find_in_setting(text: str) -> Iterator[tuple[int, int]]:
    """The spans of secrets in headers, JSON and `key=value`, in order; to the end if a secret has no clear end."""
    named = [_measure_value(text, match) for match in _ASSIGNMENT.finditer(text) if _is_secret_setting(match["name"])]
    begin, done = 0, 0
    for start, end in sorted([*named, *(match.span(1) for match in _SCHEMED.finditer(text))]):
        if start > done:
            if begin < done:
                yield begin, done
            begin = start
        done = max(done, end)
    if begin < done:
        yield begin, done


def _is_secret_setting(name: str) -> bool:
    # options are lower case; in those, a token inside a name is a count
    kind = name if name.isupper() else f"--{name}"
    return is_secret_name(kind) and _OF_A_TOKENIZER.fullmatch(name) is None


def _measure_value(text: str, name: re.Match[str]) -> tuple[int, int]:
    """The span of the value that belongs to a name, without quotes."""
    start = name.end()
    if quote := _QUOTE.match(text, start):
        # an unescaped one; the quotes of JSON inside JSON are themselves escaped
        closing = re.compile(r"(?<!\\)" + re.escape(quote[0])).search(text, quote.end())
        return quote.end(), closing.start() if closing else len(text)
    if text[start : start + 1] in ("[", "{"):
        return start, len(text)
    if name["quote"] and not name["closed"]:
        closed = text.find(name["quote"], start)
        return start, len(text) if closed < 0 else closed
    if name["quote"]:
        ends = r"[,}\]\r\n]"
    elif name["sign"] == ":" or _WHOLE_LINE.fullmatch(name["name"]):
        ends = r"[\r\n]"
    else:
        ends = "[;\r\n]" if ";" in text else r"[\s&]"
    end = re.compile(ends).search(text, start)
    return start, end.start() if end else len(text)


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
            return f"{mark}{given}={_hash(value)}"
        return match[0]

    return _PARAMETER.sub(hide, query)


def _choose_folder(folders: Mapping[str, Sequence[str]], url: str, start: int) -> str:
    """The folder whose pattern matches the URL (its path begins at `start`), else the first."""
    path = url[start:]
    if len(folders) > 1:
        for folder, patterns in folders.items():
            for pattern in (each[start:] for each in patterns):
                as_deep = "**" in pattern or pattern.count("/") == path.count("/")
                if as_deep and fnmatchcase(path, pattern):
                    return folder
    return next(iter(folders))


def _list_folders(url: str, start: int) -> list[str]:
    """The prefixes of a URL that end in a slash of its path (which begins at `start`), shortest first."""
    query = _QUERY.search(url, start)
    end = query.start() if query else len(url)
    return [url[: match.end()] for match in _SLASH.finditer(url, start, end)]
