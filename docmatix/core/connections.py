"""Why a connection could not be made, where the system's own words mislead: TLS and the names of hosts.

Their error numbers are none of the system's: OpenSSL's 1 would read "Operation not permitted".
"""

from __future__ import annotations

import socket
import ssl

# OpenSSL's X509_V_ERR_...: 62 and 64 host name and address, 9 and 10 not yet valid and expired
_OTHER_NAME, _OTHER_TIME = (62, 64), (9, 10)
_NO_TLS = ("wrong version number", "record layer failure", "http request", "packet length too long", "unknown protocol")


def find_tls_error(error: BaseException) -> ssl.SSLError | None:
    """The TLS library's error, where a connection failed for one."""
    return next((cause for cause in _list_causes(error) if isinstance(cause, ssl.SSLError)), None)


def explain_connection(error: BaseException) -> str | None:
    """What to do about a certificate, TLS or the name of a host; None for any other error."""
    if (failed := find_tls_error(error)) is not None:
        return _explain_tls(failed)
    unknown = next((cause for cause in _list_causes(error) if isinstance(cause, socket.gaierror)), None)
    if unknown is None:
        return None
    host = f" {error.host}" if hasattr(error, "host") else ""
    return f"the host name{host} cannot be resolved: {unknown.strerror or unknown}"


def _list_causes(error: BaseException) -> list[object]:
    """The error, and those that aiohttp keeps in it."""
    inner = (getattr(error, "certificate_error", None), getattr(error, "os_error", None))
    return [*inner, error.__cause__, error]


def _explain_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        found, words = error.verify_code, error.verify_message.rstrip(".").lower()
        if found in _OTHER_NAME:
            return f"its certificate is for another name ({words}): use the name that it was made for"
        if found in _OTHER_TIME:
            return f"its certificate is not valid now ({words}): renew it, or set this machine's clock"
        return (
            f"its certificate cannot be verified ({words}): set SSL_CERT_FILE to a file with the certificate of the"
            " authority that signed it"
        )
    reason = (getattr(error, "reason", None) or "").replace("_", " ").lower()
    advice = "; if it does not use TLS, its address begins with http://" if reason in _NO_TLS else ""
    return f"TLS failed ({reason or ' '.join(str(error).split())}){advice}"
