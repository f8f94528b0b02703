"""Secrets: what stands in addresses, settings and the environment reaches no file, no name and no message."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from docmatix.config.loading import dump_config, load_config, parse_config
from docmatix.core.errors import SetupError
from docmatix.core.redaction import (
    GivenUrls,
    hide_in_arguments,
    hide_in_text,
    hide_in_url,
    hide_in_variables,
    hide_values,
    is_secret_name,
    list_secrets,
)
from docmatix.driver.preflight import check_run
from docmatix.models.vllm.replica import VllmServer
from docmatix.stages.support.fingerprints import fingerprint_stages
from docmatix.storage.run import Run
from tests.fake_vllm import fake_engine
from tests.jobs import OPENAI, load_shipped, make_config
from tests.waiting import wait_until

# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        ("https://me:pw@host/a.pdf", "https://host/a.pdf"),
        ("https://token@host:8443/a.pdf", "https://host:8443/a.pdf"),
        ("s3://KEY:secret@bucket/in/*.pdf", "s3://bucket/in/*.pdf"),
        ("s3://bucket/a@b.pdf", "s3://bucket/a@b.pdf"),
        ("https://h/a.pdf?X-Amz-Signature=abc&X-Amz-Date=1", "https://h/a.pdf?X-Amz-Signature=***&X-Amz-Date=***"),
        ("https://h/a.pdf?id=7&token=abc#p", "https://h/a.pdf?id=7&token=***#p"),
        ("https://h/a?sv=2&sig=a%2Fb%3D", "https://h/a?sv=2&sig=***"),
        ("https://h/v1?api-key=abc", "https://h/v1?api-key=***"),
        ("https://h/a.pdf?id=7&page=2", "https://h/a.pdf?id=7&page=2"),
        ("https://h/a.pdf?author=x&authority=y&policy=3", "https://h/a.pdf?author=x&authority=y&policy=3"),
        ("https://h/a.pdf?tokenizer=x&expires=9", "https://h/a.pdf?tokenizer=x&expires=9"),
        ("https://h/a.pdf#access_token=x", "https://h/a.pdf#access_token=***"),
        ("https://h/a.pdf?id=7#p&token=x", "https://h/a.pdf?id=7#p&token=***"),
        ("https://h/a.pdf?access%5Ftoken=x", "https://h/a.pdf?access%5Ftoken=***"),
        ("https://h/a.pdf?sas=x&auth=y&Authorization=z", "https://h/a.pdf?sas=***&auth=***&Authorization=***"),
        ("http://proxy/get?url=https://me:pw@h/a.pdf", "http://proxy/get?url=https://h/a.pdf"),
        ("simplecache::https://me:pw@h/a.pdf", "simplecache::https://h/a.pdf"),
        ("zip://a@b.pdf::simplecache::https://me:pw@h/a.zip", "zip://a@b.pdf::simplecache::https://h/a.zip"),
        ("http://me:pw@[::1]:80/a.pdf", "http://[::1]:80/a.pdf"),
        ("abfss://scans@acct.dfs.core.windows.net/in", "abfss://scans@acct.dfs.core.windows.net/in"),
        ("abfss://scans:pw@acct.dfs.core.windows.net/in", "abfss://scans@acct.dfs.core.windows.net/in"),
        ("sftp://me@host/in", "sftp://me@host/in"),
        ("sftp://me:pw@host/in", "sftp://host/in"),
        ("hdfs://me%3Apw@host/in", "hdfs://host/in"),
        ("github://org:repo@main/in", "github://org:repo@main/in"),
        ("/data/a?token=1.pdf", "/data/a?token=1.pdf"),
        ("/data/odd://me:pw@x.pdf", "/data/odd://me:pw@x.pdf"),
        ("*.pdf", "*.pdf"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url, hidden):
    assert hide_in_url(url) == hidden
    assert hide_in_url(hidden) == hidden
    if "://" in url and not url.startswith("/"):
        assert hide_in_text(f"GET '{url}': refused") == f"GET '{hidden}': refused"


@pytest.mark.parametrize("name", ["key", "code", "docKey", "record_key", "auth_id", "tokens"])
def test_what_may_name_a_document_is_hidden_and_still_tells_documents_apart(name):
    one, other = (hide_in_url(f"https://h/a.pdf?{name}=canary{number}") for number in (1, 2))
    assert one != other
    for hidden in (one, other):
        assert "canary" not in hidden
        assert hidden.startswith(f"https://h/a.pdf?{name}=***")
        assert hide_in_url(hidden) == hidden
        assert hide_in_text(f"({hidden}).") == f"({hidden})."


@pytest.mark.parametrize(
    "link",
    [
        "https://b.s3.amazonaws.com/a.pdf?id=7&X-Amz-Credential={0}&X-Amz-Date={0}&X-Amz-Signature={0}",
        "https://b.s3.amazonaws.com/a.pdf?id=7&AWSAccessKeyId={0}&Expires={0}&Signature={0}",
        "https://storage.googleapis.com/b/a.pdf?id=7&GoogleAccessId={0}&Expires={0}&Signature={0}",
        "https://a.blob.core.windows.net/b/a.pdf?id=7&sv={0}&st={0}&se={0}&sr=b&sp=r&spr=https&sig={0}",
        "https://a.blob.core.windows.net/b/a.pdf?id=7&skoid={0}&skt={0}&ske={0}&sv={0}&se={0}&sig={0}",
        "https://d.cloudfront.net/a.pdf?id=7&Expires={0}&Signature={0}&Key-Pair-Id={0}",
        "https://d.cloudfront.net/a.pdf?id=7&Policy={0}&Signature={0}&Key-Pair-Id={0}",
    ],
)
def test_a_link_with_a_new_signature_still_names_the_same_document(link):
    one, other = hide_in_url(link.format("canary1")), hide_in_url(link.format("canary2"))
    assert one == other
    assert "canary" not in one
    assert "?id=7&" in one


def test_text_without_addresses_stays_as_it_is():
    for text in ("mail me@example.org", "12:30 // a@b", "password=hunter2 is no address", ""):
        assert hide_in_text(text) == text


WORDS = st.text("abcXYZ019-_.", min_size=1, max_size=8)


@given(
    st.sampled_from(["", "simplecache::", "zip://*.pdf::", "filecache::simplecache::"]),
    st.text("ab:@=%-", min_size=1, max_size=8),
    st.sampled_from(
        ["token", "access_token", "X-Amz-Signature", "api_key", "key", "code", "sas", "pass", "clientSecret"]
    ),
    st.text("ab:@=%*+/", max_size=8),
    st.sampled_from("?#"),
)
def test_no_secret_of_an_address_is_left(chain, user, name, value, mark):
    hidden = hide_in_url(f"{chain}https://{user}canary@host/a.pdf{mark}id=7&{name}=canary{value}&page=2")
    assert "canary" not in hidden
    assert hidden.startswith(f"{chain}https://host/a.pdf{mark}id=7&{name}=***")
    assert hidden.endswith("&page=2")
    assert hide_in_url(hidden) == hidden


@given(st.text("ahs:/@?#=&;*.", max_size=40))
def test_to_hide_secrets_again_changes_nothing(rest):
    for url in (f"https://{rest}", f"abfs://{rest}", f"zip://a::sftp://{rest}"):
        assert hide_in_url(hide_in_url(url)) == hide_in_url(url)


@given(WORDS, WORDS, WORDS, WORDS)
def test_a_hidden_address_is_restored_from_those_that_were_given(user, password, host, name):
    given_ones = ["/data/*.pdf", f"https://{user}:{password}@{host}/in/", "s3://other/x"]
    hidden = f"https://{host}/in/{name}.pdf"
    assert GivenUrls(given_ones).restore(hidden) == f"https://{user}:{password}@{host}/in/{name}.pdf"
    assert hide_in_url(GivenUrls(given_ones).restore(hidden)) == hidden


def test_a_signed_link_is_restored_though_another_address_has_a_password_for_its_host():
    given_ones = ["https://me:pw@host/a.pdf", "https://host/b.pdf?sig=abc"]
    assert [GivenUrls(given_ones).restore(hide_in_url(url)) for url in given_ones] == given_ones


def test_an_address_gets_the_secrets_of_its_own_host_alone():
    given_ones = ["https://me:pw@host/in/", "https://host2/b.pdf?sig=abc"]
    for url in ("https://hostile.example/in/a.pdf", "https://host:81/in/a.pdf", "http://host/a.pdf", "/in/a.pdf"):
        assert GivenUrls(given_ones).restore(url) == url
    assert GivenUrls(given_ones).restore("https://host2/b.pdf?sig=***") == "https://host2/b.pdf?sig=abc"


def test_an_address_gets_the_secrets_of_the_given_one_that_shares_the_most_folders_with_it():
    given_ones = [
        "https://one:1@h/*.pdf",
        "https://two:2@h/in/deep/",
        "https://three:3@h/in/*.pdf",
        "https://h/open/",
        "https://h/in/alone.pdf",
        "https://four:4@h/2024-*/a.pdf",
        "https://five:5@h/2024-*/b.pdf",
        "simplecache::https://six:6@h/in/",
    ]
    known = GivenUrls(given_ones)
    for hidden, restored in {
        "https://h/a.pdf": "https://one:1@h/a.pdf",
        "https://h/in/deep/er/a.pdf": "https://two:2@h/in/deep/er/a.pdf",
        "https://h/in/deeper.pdf": "https://three:3@h/in/deeper.pdf",
        "https://h/open/a.pdf": "https://h/open/a.pdf",
        "https://h/in/alone.pdf": "https://h/in/alone.pdf",
        "https://h/2024-05/a.pdf": "https://four:4@h/2024-05/a.pdf",
        "https://h/2024-05/b.pdf": "https://five:5@h/2024-05/b.pdf",
        "simplecache::https://h/in/a.pdf": "simplecache::https://six:6@h/in/a.pdf",
    }.items():
        assert known.restore(hidden) == restored
        assert hide_in_url(restored) == hidden


@given(
    st.lists(
        st.tuples(WORDS, WORDS, st.sampled_from(["", "in", "in/a", "b"])), min_size=1, unique_by=lambda one: one[2]
    )
)
def test_what_was_given_is_always_found_again(ones):
    given_ones = [f"https://{user}:{password}@h/{folder}/a.pdf?key={user}" for user, password, folder in ones]
    known = GivenUrls(given_ones)
    assert [known.restore(hide_in_url(url)) for url in given_ones] == given_ones


def test_nothing_is_looked_up_where_no_address_holds_a_secret():
    known = GivenUrls([f"https://h/{number}.pdf" for number in range(3)])
    assert known.restore("https://h/1.pdf") == "https://h/1.pdf"
    assert known._roots == {}


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("HF_TOKEN", True),
        ("VLLM_API_KEY", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("AWS_ACCESS_KEY_ID", True),
        ("--hf-token", True),
        ("--api-key", True),
        ("DB_PASSWORD", True),
        ("VLLM_CPU_KVCACHE_SPACE", False),
        ("TOKENIZERS_PARALLELISM", False),
        ("--max-num-batched-tokens", False),
        ("--enforce-eager", False),
        ("MONKEY", False),
        ("KEYBOARD", False),
        ("MAX_TOKENS", False),
        ("--long-prefill-token-threshold", False),
        ("PWD", False),
        ("SSH_AUTH_SOCK", False),
        ("BYPASS", False),
        ("LD_LIBRARY_PATH", False),
        ("AZURE_STORAGE_KEY", True),
        ("AZURE_STORAGE_CONNECTION_STRING", True),
        ("OPENAI_KEY", True),
        ("OPENAI_API_KEY_2", True),
        ("SSH_PRIVATE_KEY", True),
        ("MY_KEY", True),
        ("DB_PASS", True),
        ("PGPASSWORD", True),
        ("MYSQL_PWD", True),
        ("GITHUB_PAT", True),
        ("AWS_BEARER_TOKEN_BEDROCK", True),
    ],
)
def test_names_of_secrets_are_known(name, secret):
    assert is_secret_name(name) == secret


@given(
    WORDS.filter(str.isalnum),
    st.sampled_from(["KEY", "PASS", "PAT", "TOKEN", "SECRET", "CONNECTION_STRING", "PASSWORD"]),
)
def test_a_name_is_one_of_a_secret_by_its_last_part_alone(word, part):
    assert is_secret_name(f"{word}_{part}")
    assert is_secret_name(f"--{word}-{part}".lower())
    assert not is_secret_name(f"{word}_{part}BOARD")
    assert not is_secret_name(f"{word}_{part}S_LIMIT") or part == "SECRET"


def test_a_url_inside_an_argument_or_a_variable_is_shown_without_its_password():
    assert hide_in_arguments(["--proxy=http://me:canary@h:1"]) == ["--proxy=http://h:1"]
    assert hide_in_variables({"FSSPEC_HTTP": '{"proxy": "http://me:canary@h:1"}'}) == {
        "FSSPEC_HTTP": '{"proxy": "http://h:1"}'
    }


def test_variables_and_arguments_are_shown_without_their_secrets():
    assert hide_in_variables({"HF_TOKEN": "abc", "VLLM_CPU_KVCACHE_SPACE": "1", "http_proxy": "http://a:b@h:1"}) == {
        "HF_TOKEN": "***",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "http_proxy": "http://h:1",
    }
    given_ones = ["--hf-token", "abc", "--max-num-seqs", "8", "--hf-token=abc", "--enforce-eager"]
    assert hide_in_arguments(given_ones) == [
        "--hf-token",
        "***",
        "--max-num-seqs",
        "8",
        "--hf-token=***",
        given_ones[-1],
    ]


VLLM: dict[str, Any] = {
    "kind": "vllm",
    "model": "org/m",
    "env": {"HF_TOKEN": "canary-1", "VLLM_CPU_KVCACHE_SPACE": "1"},
    "extra_args": ["--hf-token", "canary-2", "--enforce-eager"],
}


def test_a_dumped_configuration_holds_no_secret_and_can_be_read_back():
    config = make_config(
        source={"kind": "files", "paths": ["https://me:canary-3@h/a.pdf", "https://h/b.pdf?sig=canary-4"]},
        generate={"engine": VLLM},
        verify={
            "kind": "round_trip",
            "engine": {**OPENAI, "base_url": ["http://h/v1?api-key=canary-5", "http://i/v1"]},
        },
    )
    dumped = dump_config(config)
    assert "canary" not in dumped
    held = parse_config(yaml.safe_load(dumped))
    assert dump_config(held) == dumped
    assert held.generate.engine.env == {"HF_TOKEN": "***", "VLLM_CPU_KVCACHE_SPACE": "1"}  # type: ignore[attr-defined]


def test_secrets_are_listed_by_their_names_and_hidden_the_longest_first():
    found = list_secrets({"A_TOKEN": "secret-one", "B_TOKEN": "none", "HOME": "/home/me"}, VLLM["extra_args"])
    assert found == ["secret-one", "canary-2"]
    assert list_secrets({}, ["--hf-token=canary-22", "--api-key"]) == ["canary-22"]
    assert hide_values("secret-one-and-more secret-one", ["secret-one-and-more", "secret-one"]) == "*** ***"


def test_what_a_model_server_reports_is_shown_without_its_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "canary-of-the-environment")
    failure = "OSError: 401 for https://me:canary@hub/m with canary-of-the-engine and canary-of-the-environment"
    engine = fake_engine(
        tmp_path, failing_starts=9, failure=failure, max_failed_starts=1, env={"HF_TOKEN": "canary-of-the-engine"}
    )
    server = VllmServer(engine)
    try:
        assert wait_until(lambda: server.describe().state == "failed")
        state = server.describe()
    finally:
        server.close()
    assert state.detail.endswith("OSError: 401 for https://hub/m with *** and ***")
    assert "canary" not in repr(state)


def configure(*paths: str) -> Any:
    return make_config(source={"kind": "files", "paths": list(paths)})


def test_a_link_with_a_new_signature_is_the_same_source(tmp_path):
    one, other = configure("https://h/a.pdf?sig=1&Expires=5"), configure("https://h/a.pdf?sig=2&Expires=9")
    assert fingerprint_stages(one, load_shipped(one)) == fingerprint_stages(other, load_shipped(other))
    run = Run(tmp_path / "run")
    run.write("run.yaml", dump_config(one).encode())
    check_run(run, other)
    with pytest.raises(SetupError, match="holds another build") as caught:
        check_run(run, configure("https://me:canary@h/b.pdf?sig=canary"))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://h/a.pdf?key=1", "https://h/a.pdf?key=2"),
        ("https://h/a.pdf?author=1", "https://h/a.pdf?author=2"),
        ("https://h/a.pdf?policy=1", "https://h/a.pdf?policy=2"),
        ("abfss://scans@acct/in", "abfss://books@acct/in"),
    ],
)
def test_another_document_is_another_source(before, after, tmp_path):
    configure(before, after)
    run = Run(tmp_path / "run")
    run.write("run.yaml", dump_config(configure(before)).encode())
    check_run(run, configure(before))
    with pytest.raises(SetupError, match="holds another build"):
        check_run(run, configure(after))


def test_addresses_that_only_a_secret_tells_apart_are_refused_since_it_is_not_recorded():
    configure("https://h/a.pdf?id=1&sig=x", "https://h/a.pdf?id=2&sig=x")
    with pytest.raises(SetupError, match="differ only in a password or signature"):
        configure("https://h/a.pdf?sig=1", "https://h/a.pdf?sig=2")


def test_an_invalid_override_is_reported_without_its_value(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(dump_config(make_config()))
    for override in ("seed.deep.HF_TOKEN=canary", "generate.engine.env={HF_TOKEN: 'canary"):
        with pytest.raises(SetupError) as caught:
            load_config(path, overrides=[override])
        assert "canary" not in str(caught.value)
