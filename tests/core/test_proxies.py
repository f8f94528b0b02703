"""Proxies that the environment names and that are not used."""

from __future__ import annotations

import pytest

from docmatix.core.proxies import find_ignored_proxy

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_variable_of_a_proxy_is_named_and_not_its_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://me:hush@proxy:3128")
    assert find_ignored_proxy("https://api.example/v1") == name


def test_where_no_program_would_use_a_proxy_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_ignored_proxy("https://api.example/v1") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    for url in (
        "http://api.example/v1",
        "https://127.0.0.1:8000/v1",
        "https://localhost/v1",
        "s3://bucket/a",
        "/a.pdf",
    ):
        assert find_ignored_proxy(url) is None
    monkeypatch.setenv("NO_PROXY", "api.example,.lan")
    assert find_ignored_proxy("https://api.example/v1") is None
    assert find_ignored_proxy("https://gpu7.lan/v1") is None
    assert find_ignored_proxy("https://[broken/v1") is None
