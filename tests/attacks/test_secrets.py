"""Secrets under names that were not known for them: none reaches a record, and runs made before they were continue."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from docmatix.config.loading import dump_config, parse_config
from docmatix.core.errors import SetupError
from docmatix.core.ledger import Ledger
from docmatix.core.redaction import (
    GivenUrls,
    hide_in_arguments,
    hide_in_text,
    hide_in_url,
    hide_in_variables,
    hide_values,
    list_secrets,
)
from docmatix.driver.preflight import check_run
from docmatix.models.client import ChatClient
from docmatix.models.preflight import check_server
from docmatix.sources.locators import Locator
from docmatix.stages.plan import plan_shards
from docmatix.stages.support.fingerprints import fingerprint_stages
from docmatix.stages.support.job import Job
from docmatix.stages.support.planned_documents import read_plan
from docmatix.storage.records import committing
from docmatix.storage.run import Run
from docmatix.storage.schemas import PLAN
from tests.jobs import load_shipped, make_config
from tests.scripted_server import start_scripted_server

CANARY = "canary-51-of-the-mine"

# --- variables and arguments ------------------------------------------------------------------------------------------

NAMES = (
    *("SUPABASE_JWT", "TWITTER_BEARER", "AUTHORIZATION", "PROXY_AUTHORIZATION", "SITE_COOKIE", "COOKIES", "PASSCODE"),
    *("SLACK_WEBHOOK_URL", "DISCORD_WEBHOOK", "SENTRY_DSN", "NGROK_AUTHTOKEN", "APITOKEN", "DB_CONN_STR", "GH_CREDS"),
    *("SESSION_ID", "SITE_SID", "JSESSIONID", "SERVICE_TICKET", "hfToken", "clientSecret", "apiKey"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_and_an_option_of_a_secret_name_are_told_without_their_value(name: str) -> None:
    option = "--" + name.replace("_", "-")
    for arguments in ([option, CANARY], [f"{option}={CANARY}"], [f"{option.lower()}={CANARY}"]):
        if name.isupper() or arguments[0].startswith(option):
            assert CANARY not in repr(hide_in_arguments(arguments))
            assert list_secrets({}, arguments) == [CANARY]
    assert hide_in_variables({name: CANARY}) == {name: "***"}
    assert list_secrets({name: CANARY}) == [CANARY]


@pytest.mark.parametrize(
    "name",
    [
        *("XDG_SESSION_ID", "DESKTOP_SESSION", "TERM_SESSION_ID", "SESSION_MANAGER", "INSIDE", "COOKIECUTTER_HOME"),
        *("--max-num-seqs", "--long-prefill-token-threshold", "--dsnap", "--sidecar", "--ticket-count", "DSNAP", "PWD"),
    ],
)
def test_a_name_that_only_resembles_one_of_a_secret_keeps_its_value(name: str) -> None:
    if name.startswith("--"):
        assert hide_in_arguments([name, "harmless-value"]) == [name, "harmless-value"]
    else:
        assert hide_in_variables({name: "harmless-value"}) == {name: "harmless-value"}


SETTINGS = (
    # headers
    f"Authorization: Bearer {CANARY}",
    f"authorization: Basic {CANARY}",
    f"X-Api-Key: {CANARY}",
    f"X-Auth-Token:{CANARY}",
    f"Cookie: theme=dark; sid={CANARY}; lang=en",
    f"curl -H 'X-Api-Key: {CANARY}' https://h/",
    f"Bearer {CANARY}",
    # JSON, and JSON within JSON
    json.dumps({"Authorization": f"Bearer {CANARY}", "Accept": "*/*"}),
    json.dumps({"hf_token": CANARY}),
    json.dumps({"kv": {"extra": {"accessToken": CANARY, "size": 5}}}),
    json.dumps({"cookies": {"name": CANARY}}),
    json.dumps({"password": [CANARY, CANARY]}),
    json.dumps({"inner": json.dumps({"api_key": CANARY})}),
    json.dumps({"token": f'with "quotes" {CANARY}'}),
    repr({"api_key": CANARY}),
    f"{{token: {CANARY}, other: 1}}",
    # databases
    f"Driver={{ODBC Driver 18}};Server=tcp:h,1433;Uid=me;Pwd={CANARY};Encrypt=yes",
    f"Server=h;Password={{a b;{CANARY}}};Uid=me",
    f"host=h user=me password={CANARY} dbname=x",
    f"postgres://me:{CANARY}@h:5432/x",
    f"redis://:{CANARY}@h/0",
    f"jdbc:sqlserver://h:1433;user=me;password={CANARY};encrypt=true",
    f"jdbc:postgresql://h/x?user=me&password={CANARY}",
    f"https://{CANARY}@o1.ingest.sentry.io/7",
    # assignments
    f"retries=3,hf_token={CANARY}",
    f"token={CANARY}&page=2",
    f"https://hooks.slack.com/services/T0/B0/{CANARY}",
)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_secret_within_an_argument_or_a_variable_is_not_told(setting: str) -> None:
    for hidden in (hide_in_arguments(["--setting", setting])[1], hide_in_arguments([f"--setting={setting}"])[0]):
        assert CANARY not in hidden
        assert "***" in hidden or "://" in setting
        assert hide_in_arguments([hidden]) == [hidden]
    hidden = hide_in_variables({"SETTING": setting})["SETTING"]
    assert CANARY not in hidden
    assert hide_in_variables({"SETTING": hidden}) == {"SETTING": hidden}


@pytest.mark.parametrize("setting", [each for each in SETTINGS if "hooks.slack" not in each and "sentry" not in each])
def test_a_secret_within_an_argument_is_hidden_in_what_a_server_logs(setting: str) -> None:
    for secrets in (list_secrets({"SETTING": setting}), list_secrets({}, ["--setting", setting])):
        assert CANARY not in hide_in_text(hide_values(f"ERROR: {CANARY} was refused", secrets))


@pytest.mark.parametrize(
    "setting",
    [
        json.dumps({"backend": "guidance", "disable_any_whitespace": True}),
        json.dumps({"eos_token": "<|im_end|>", "pad_token": "<pad>", "max_new_tokens": 5, "stop_token_ids": [1, 2]}),
        json.dumps({"keyboard": "us", "tokenizer": "x", "author": "me"}),
        "level=3, compile_sizes=[1,2]; cudagraph: full",
        "name=/models/adapter",
        "12:30 and C:\\models",
    ],
)
def test_a_setting_without_a_secret_is_told_as_it_is(setting: str) -> None:
    assert hide_in_arguments(["--setting", setting]) == ["--setting", setting]


@given(
    st.text("tokenpwd=:;{}[]'\"\\ ,&-*\nB", max_size=40),
    st.sampled_from(["token", "Pwd", "Cookie", "bos_token", "Bearer "]),
)
def test_to_hide_secrets_of_a_setting_again_changes_nothing(rest: str, name: str) -> None:
    hidden = hide_in_arguments([f"x {name}{rest}"])
    assert hide_in_arguments(hidden) == hidden


@given(
    st.sampled_from(["hf_token", "Authorization", "api-key", "clientSecret", "Cookie", "SESSION_ID"]),
    st.text("ab \"'\\:=;,{}[]\n", max_size=8),
    st.text("ab \"'\\:=;,{}[]\n", max_size=8),
    st.dictionaries(st.text("xyz", min_size=1), st.text() | st.integers() | st.lists(st.none())),
    st.booleans(),
)
def test_no_secret_of_a_json_argument_is_left(
    name: str, before: str, after: str, others: dict[str, Any], nested: bool
) -> None:
    content = json.dumps({**others, name: f"{before}{CANARY}{after}", "last": 1})
    argument = json.dumps({"inner": content}) if nested else content
    assert CANARY not in hide_in_arguments(["--config", argument])[1]


def test_a_recorded_configuration_holds_no_secret_of_headers_and_json() -> None:
    engine = {
        "kind": "vllm",
        "model": "org/m",
        "env": {"SLACK_WEBHOOK_URL": CANARY, "EXTRA": f"host=h password={CANARY}", "OMP_NUM_THREADS": "4"},
        "extra_args": ["--headers", SETTINGS[0], "--config", json.dumps({"hf_token": CANARY}), "--max-num-seqs", "8"],
    }
    dumped = dump_config(make_config(generate={"engine": engine}))
    assert CANARY not in dumped
    held = parse_config(yaml.safe_load(dumped))
    assert dump_config(held) == dumped
    assert "OMP_NUM_THREADS: '4'" in dumped
    assert held.generate.engine.extra_args[-2:] == ("--max-num-seqs", "8")  # type: ignore[attr-defined]


# --- addresses --------------------------------------------------------------------------------------------------------

ADDRESSES = (
    *(
        f"https://h/a.pdf?id=7&{name}={{}}&page=2"
        for name in ("sid", "session", "sessionid", "PHPSESSID", "auth_session")
    ),
    *(f"https://h/a.pdf?id=7&{name}={{}}" for name in ("ticket", "session-id", "id_jwt", "cookie", "dsn", "pat")),
    "https://h/a.pdf;jsessionid={}",
    "https://h/a.pdf;jsessionid={}?id=7",
    "https://h/in;v=1;token={}/a.pdf",
    "https://h/a.pdf?id=7;jsessionid={}",
    "https://hooks.slack.com/services/T0/B0/{}",
    "https://discord.com/api/webhooks/12/{}",
    "https://api.telegram.org/file/bot12:{}/documents/a.pdf",
    "https://acme.webhook.office.com/webhookb2/{}@x/IncomingWebhook/y",
    "http://proxy/get?url=https://h/a.pdf?token={}",
    "http://proxy/get?url=https%3A%2F%2Fh%2Fa.pdf%3Ftoken%3D{}",
    "simplecache::https://h/a.pdf?sid={}",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_told_without_its_session_and_still_names_one_document(address: str) -> None:
    one, other = (hide_in_url(address.format(f"{CANARY}{number}")) for number in (1, 2))
    assert one != other
    for number, hidden in enumerate((one, other), 1):
        assert CANARY not in hidden
        assert hide_in_url(hidden) == hidden
        assert CANARY not in hide_in_text(f"GET {address.format(CANARY)}: 403")
        assert GivenUrls([address.format(f"{CANARY}{number}")]).restore(hidden) == address.format(f"{CANARY}{number}")


@pytest.mark.parametrize(
    "address",
    [
        "https://h/a.pdf?side=left&president=x&obsession=y&tickets_sold=5&path=z",
        "https://h/webhooks/a.pdf",
        "https://h/a;v=1/b.pdf",
        "s3://bucket/a;session=3.pdf",
        "zip://a;sid=1.pdf::https://h/a.zip",
        "https://slack.com/services/a.pdf",
    ],
)
def test_an_address_without_a_secret_stays_as_it_is(address: str) -> None:
    assert hide_in_url(address) == address


def test_a_long_address_is_told_at_once_however_it_is_nested() -> None:
    for part in ("?a=", "?a=https://h/", "%3Fa%3Dhttps%3A//", ";a=", "?u=%2525", "::https://", "&token=", "token=;"):
        address = f"https://h/{part * 5_000}"
        assert hide_in_url(hide_in_url(address)) == hide_in_url(address)
        hide_in_arguments([part * 5_000, f'"token": "{part * 5_000}'])


PIECES = st.sampled_from(
    [
        *"ah/@?#=&;*.%:",
        "sid",
        "token",
        "key",
        "jsessionid",
        "***",
        "https://",
        "s3://",
        "::",
        "%3A%2F%2F",
        "***0123456789ab",
    ]
)


@given(
    st.sampled_from(["https://h/", "https://hooks.slack.com/services/", "s3://b/", "zip://a::https://h/", "https://"]),
    st.lists(PIECES, max_size=14).map("".join),
)
def test_to_hide_secrets_of_an_address_again_changes_nothing(start: str, rest: str) -> None:
    hidden = hide_in_url(start + rest)
    assert hide_in_url(hidden) == hidden
    assert hide_in_url(rest) == hide_in_url(hide_in_url(rest))
    # nor does it raise, whatever a plan holds
    GivenUrls([start + rest, "https://u:p@h/"]).restore(hidden)
    GivenUrls(["https://u:p@h/"]).restore(start + rest)


@given(
    st.sampled_from(["", "in/", "in;jsessionid=abc/", "in;token=x/deep/"]),
    st.sampled_from(["", "*.pdf", "a?.pdf", "a.pdf"]),
    st.sampled_from(["", "me:pw@", "me@"]),
)
def test_a_file_below_a_folder_is_restored_with_the_folders_session(folder: str, name: str, user: str) -> None:
    below = f"https://{user}h/{folder}a1.pdf"
    known = GivenUrls([f"https://{user}h/{folder}{name}", "https://x:y@other/"])
    if name != "a.pdf":
        assert known.restore(hide_in_url(below)) == below
    assert "pw" not in known.restore(f"https://other.example/{folder}a1.pdf")


# --- runs of earlier versions -----------------------------------------------------------------------------------------

GIVEN = (
    "https://h/a.pdf?sid=7",
    "https://h/b.pdf?session=8&sig=secret",
    "https://me:pw@h/c.pdf?ticket=9&key=1",
    "https://h/d;jsessionid=10/d.pdf",
)
HELD = (
    "https://h/a.pdf?sid=7",
    "https://h/b.pdf?session=8&sig=***",
    "https://h/c.pdf?ticket=9&key=***ebbc39aaf008",
    "https://h/d;jsessionid=10/d.pdf",
)
"""As the version before wrote these."""


def make_run_of_earlier_version(folder: Path) -> Job:
    """What the version before left of a build that was stopped after its plan: its addresses with less hidden."""
    config = make_config(source={"kind": "files", "paths": list(GIVEN)})
    prompts = load_shipped(config)
    job = Job(Run(folder / "run"), config, prompts, fingerprint_stages(config, prompts), driver_id="test")
    ledger = Ledger(("documents",))
    ledger.enter("documents", len(HELD))
    ledger.keep("documents", len(HELD))
    with committing(job.run, "plan", 0, schema=PLAN, fingerprint=job.fingerprints["plan"], ledger=ledger) as writer:
        for address in HELD:
            writer.add(asdict(Locator(address, address)))
    content = yaml.safe_load(dump_config(config))
    content["source"]["paths"] = list(HELD)
    job.run.write("run.yaml", yaml.safe_dump(content).encode())
    return job


def test_a_run_that_an_earlier_version_made_continues_with_the_plan_it_has(tmp_path: Path) -> None:
    job = make_run_of_earlier_version(tmp_path)
    check_run(job.run, job.config)
    assert plan_shards(job, [Locator(hide_in_url(address), address) for address in GIVEN]) == 0
    assert [locator.address for locator in read_plan(job, 0)] == list(GIVEN)


def test_a_run_that_an_earlier_version_made_is_still_told_from_one_of_another_source(tmp_path: Path) -> None:
    job = make_run_of_earlier_version(tmp_path)
    other = [*GIVEN[1:], "https://h/a.pdf?sid=8"]
    with pytest.raises(SetupError, match="holds another build") as caught:
        check_run(job.run, make_config(source={"kind": "files", "paths": other}))
    assert "sid=7" not in str(caught.value)


def test_fingerprints_of_sources_are_those_of_earlier_versions() -> None:
    """Another one would have every run made again from its plan on."""
    config = make_config(source={"kind": "files", "paths": list(GIVEN)})
    assert fingerprint_stages(config, load_shipped(config))["plan"] == "e79fbca859ba612a37659bdb68e41f53"


# --- a model server's address -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "a-key-of-the-server"])
@pytest.mark.parametrize("user", [CANARY, f"me:{CANARY}", f":{CANARY}"])
def test_a_secret_before_the_host_of_a_model_server_is_refused_in_a_sentence(user: str, key: str | None) -> None:
    with start_scripted_server(api_key=key) as server:
        address = server.base_url.replace("://", f"://{user}@")
        with pytest.raises(SetupError, match=r"before the @.*generate\.engine\.api_key_env") as caught:
            asyncio.run(check_server([address], model="scripted", api_key=key, api_key_env="MODEL_KEY"))
        assert CANARY not in str(caught.value)
        with pytest.raises(SetupError, match="before the @"):
            ChatClient([address], api_key=key)
    with pytest.raises(SetupError) as caught:
        ChatClient([f"ftp://{user}@h/v1"])
    assert CANARY not in str(caught.value)
