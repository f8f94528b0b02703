"""Why a connection could not be made, in words that help."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from docmatix.core.connections import explain_connection
from docmatix.storage.errors import describe


def fail_tls(code: int, words: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.verify_code, error.verify_message = code, words
    return error


def chain(cause: Exception) -> Exception:
    try:
        raise ConnectionError("gave up") from cause
    except ConnectionError as error:
        return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (fail_tls(18, "self-signed certificate"), "cannot be verified (self-signed certificate): set SSL_CERT_FILE to"),
        (fail_tls(20, "unable to get local issuer certificate"), "cannot be verified (unable to get local issuer"),
        (
            fail_tls(62, "Hostname mismatch, certificate is not valid for 'a'."),
            "is for another name (hostname mismatch",
        ),
        (fail_tls(10, "certificate has expired"), "is not valid now (certificate has expired): renew it"),
        (chain(fail_tls(18, "self-signed certificate")), "cannot be verified"),
        (ssl.SSLError(1, "[SSL] something"), "TLS failed ("),
        (socket.gaierror(-2, "Name or service not known"), "the host name cannot be resolved: Name or service"),
    ],
)
def test_tls_and_names_of_hosts_have_their_own_words_for_servers_and_stores(error: Exception, said: str) -> None:
    assert said in str(explain_connection(error))
    assert said in describe(error)
    assert "not permitted" not in describe(error)
    assert "Unknown error" not in describe(error)


def test_any_other_error_keeps_the_systems_words() -> None:
    assert explain_connection(OSError(errno.EPERM, "Operation not permitted")) is None
    assert describe(PermissionError(errno.EPERM, "x")) == "PermissionError: Operation not permitted"
    assert explain_connection(ValueError("x")) is None
