"""Secrets that stand in addresses and settings, and how they are kept out of files, names and messages.

A source may be `https://user:password@host/a.pdf`, or a link that is signed in its query. Such an address is used where
it was given, in memory; what is written, published or said is `hide_in_url` of it. Pure: no environment, no files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MASK = "***"
SHORTEST = 8

_SCHEME = re.compile(r"[A-Za-z][\w+.-]*://")
_USER = re.compile(r"^([A-Za-z][\w+.-]*://)([^/?#]*@)")
_URL = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"<>]+")
_PARAMETER = re.compile(r"([?&;])([^=&;#]+)=([^&;#]*)")
_SECRET_PARAMETER = re.compile(
    r"x-amz-.*|x-goog-.*|awsaccesskeyid|googleaccessid|expires|policy|key-pair-id|sig|pwd|pass|key|"
    r".*(?:token|signature|secret|password|passwd|credential|api[-_]?key|auth).*",
    re.IGNORECASE,
)
"""Of links signed for S3, Google, Azure and CloudFront all that changes with each signature, so that a link that was
signed anew still names the same document; and what anybody calls a key."""
_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:TOKEN|API[_-]?KEY|ACCESS[_-]?KEY(?:[_-]ID)?|SECRET(?:[_-]\w+)?|PASSWORD|PASSWD|CREDENTIALS?|AUTH)$",
    re.IGNORECASE,
)


def hide_in_url(url: str) -> str:
    """The URL without `user:password@`, and with `***` for the values of query parameters that are named like secrets.
    A path is no URL, and stays as it is. Applying it again changes nothing."""
    if not _SCHEME.match(url):
        return url
    head, question, query = _USER.sub(r"\1", url).partition("?")
    return head + _PARAMETER.sub(_hide_parameter, question + query)


def hide_in_text(text: str) -> str:
    """`hide_in_url` of every URL in a message."""
    return _URL.sub(lambda match: hide_in_url(match[0]), text) if "://" in text else text


def restore_in_url(url: str, given: Sequence[str]) -> str:
    """The URL as it was before `hide_in_url`, by the addresses `given`: one of them, or one on a host that one of them
    names with `user:password@`."""
    for other in given:
        if other != url and hide_in_url(other) == url:
            return other
    for other in given:
        match = _USER.match(other)
        if match is not None:
            host = re.split(r"[/?#]", other[match.end() :], maxsplit=1)[0]
            rest = url.removeprefix(match[1] + host)
            if rest != url and rest[:1] in ("", "/", "?"):
                return match[0] + host + rest
    return url


def is_secret_name(name: str) -> bool:
    """Whether an environment variable or an option (`HF_TOKEN`, `--hf-token`) is named like a secret."""
    return _SECRET_NAME.search(name) is not None


def hide_in_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables with `***` for the values of those that are named like secrets."""
    return {name: MASK if is_secret_name(name) else hide_in_url(value) for name, value in variables.items()}


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
            hidden.append(MASK if after_secret else hide_in_url(argument))
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


def _hide_parameter(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}={MASK}" if _SECRET_PARAMETER.fullmatch(match[2]) else match[0]
