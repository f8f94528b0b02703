"""Whether the servers can be asked, checked before any work starts."""

from __future__ import annotations

import pytest

from docmatix.core.errors import SetupError
from docmatix.models.preflight import check_server, read_api_key
from tests.models.clients import KEY, find_closed_port, open_raw_server
from tests.scripted_server import start_scripted_server


async def test_a_preflight_finds_a_server_that_is_well() -> None:
    with start_scripted_server(api_key=KEY) as server:
        assert await check_server([server.base_url], model="scripted", api_key=KEY) == []


async def test_a_preflight_without_a_server_says_to_start_it() -> None:
    address = f"http://127.0.0.1:{find_closed_port()}/v1"
    with pytest.raises(SetupError, match=rf"No model server answers at {address} .*start it"):
        await check_server([address], model="scripted")


async def test_a_preflight_tells_which_of_several_addresses_are_silent() -> None:
    dead = f"http://127.0.0.1:{find_closed_port()}/v1"
    with start_scripted_server() as server:
        assert await check_server([dead, server.base_url], model="scripted") == [dead]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[" * 100_000, b'{"data": 7}', b'{"data": [{"id": 7}]}', b"\xff\xfe", b" " * (9 << 20)],
)
async def test_a_preflight_says_in_a_sentence_what_a_strange_list_of_models_is(body: bytes) -> None:
    headers = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with open_raw_server(headers + body) as address:
        with pytest.raises(SetupError, match=r"generate\.engine\.(base_url|model)"):
            await check_server([address], model="scripted")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (500, r"The model server fails at .*/v1 \(500 the card is gone\): find the cause in its log"),
        (429, r"The model server is too busy at .*/v1 \(429 the card is gone\): rerun the command"),
        (400, r"\(400 the card is gone\): follow its advice, or correct generate\.engine\.base_url"),
        (404, r"\(404 the card is gone\): correct generate\.engine\.base_url"),
    ],
)
async def test_a_preflight_blames_the_address_only_where_it_may_be_wrong(status: int, sentence: str) -> None:
    said = b'{"error": {"message": "the card is gone"}}'
    answer = b"HTTP/1.1 %d No\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(said), said)
    async with open_raw_server(answer) as address:
        with pytest.raises(SetupError, match=sentence):
            await check_server([address], model="scripted", patience_s=0)


async def test_a_preflight_lists_the_models_there_are() -> None:
    has = r"no model 'scripted' \(it has: other\)"
    with start_scripted_server(model="other") as server, pytest.raises(SetupError, match=has):
        await check_server([server.base_url], model="scripted")


async def test_a_preflight_names_the_variable_of_a_refused_key() -> None:
    with start_scripted_server(api_key="another") as server, pytest.raises(SetupError, match="variable MY_KEY"):
        await check_server([server.base_url], model="scripted", api_key=KEY, api_key_env="MY_KEY")


def test_a_key_comes_from_the_environment_or_not_at_all() -> None:
    assert read_api_key(None) is None
    assert read_api_key("PATH")
    with pytest.raises(SetupError, match="DOCMATIX_NO_SUCH_KEY is not set"):
        read_api_key("DOCMATIX_NO_SUCH_KEY")


def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCMATIX_SOME_KEY", f"{KEY}\r\nX-Header: 1\n")
    with pytest.raises(SetupError, match="DOCMATIX_SOME_KEY holds a line break") as caught:
        read_api_key("DOCMATIX_SOME_KEY")
    assert KEY not in str(caught.value)
