"""What is said of connections that fail."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from docmatix.core.errors import ServerGone, SetupError
from docmatix.models.openai import OpenaiEngine
from docmatix.models.preflight import check_server
from docmatix.storage.run import Run
from tests.models.clients import KEY, WHOLE, make_request, open_client, open_raw_server


def make_certificate(folder: Path, *, name: str, days: int) -> ssl.SSLContext:
    """A server's side of TLS with a self-signed certificate for `name` that ends in so many days."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(now - datetime.timedelta(9))
    made = made.not_valid_after(now + datetime.timedelta(days))
    address = x509.IPAddress(ipaddress.ip_address(name))
    certificate = made.add_extension(x509.SubjectAlternativeName([address]), True).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@asynccontextmanager
async def open_secure_server(context: ssl.SSLContext) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@pytest.mark.parametrize(
    ("name", "days", "trusted", "said"),
    [
        ("127.0.0.1", 9, False, r"its certificate cannot be verified \(self-signed certificate\): set SSL_CERT_FILE"),
        ("127.0.0.2", 9, True, r"its certificate is for another name \(ip address mismatch.*\): use the name"),
        ("127.0.0.1", -1, True, r"its certificate is not valid now \(certificate has expired\): renew it"),
    ],
)
async def test_a_certificate_that_does_not_verify_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, days: int, trusted: bool, said: str
) -> None:
    context = make_certificate(tmp_path, name=name, days=days)
    if trusted:
        verifying = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
        monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", verifying)
    async with open_secure_server(context) as address:
        with pytest.raises(SetupError, match=rf"There is no secure connection to .* {address} \({said}"):
            await check_server([address], model="m")
        async with open_client(address, give_up_after_s=0) as client:
            with pytest.raises(ServerGone, match=said):
                await client.ask(make_request())


async def test_tls_spoken_to_a_server_without_it_is_told_as_that() -> None:
    async with open_raw_server(WHOLE) as address:
        secure = address.replace("http://", "https://")
        with pytest.raises(
            SetupError, match=r"TLS failed \(.*\); if it does not use TLS, its address begins with http:"
        ):
            await check_server([secure], model="m")


async def test_a_host_that_no_name_server_knows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:{KEY}@proxy:3128")
    with pytest.raises(SetupError, match=r"the host name nowhere\.invalid cannot be resolved: ") as caught:
        await check_server(["http://nowhere.invalid/v1"], model="m")
    assert "the proxy in HTTP_PROXY is not used" in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_proxy_that_is_set_and_not_used_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{KEY}@proxy:3128")
    addresses = ("http://127.0.0.1:8000/v1", "https://a.example/v1", "https://b.example/v1")
    engine, said = OpenaiEngine(kind="openai", model="m", base_url=addresses), list[str]()
    with engine.serve(pictures_per_request=1, say=said.append, run=Run(tmp_path)):
        pass
    assert said == [
        "serving   m at https://a.example/v1; the proxy in HTTPS_PROXY is not used, model servers are asked directly"
    ]
