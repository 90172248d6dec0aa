"""What is a secret in a text, and what is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.messages.secrets import (
    HIDDEN,
    KINDS,
    Masked,
    beginning,
    masked,
    masked_data,
    masked_json,
    masked_record,
    names_secret,
)
from exporter.present.words import CAUSES, WORDS, shown
from exporter.sources.errors import one_line
from exporter.sources.refusals import REFUSALS
from exporter.sources.remedies import BIGQUERY_REMEDIES, FIRESTORE_REMEDIES, TABLE_REMEDIES
from testing.planted import CORE, SECRETS, leaks

each_secret = pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)


@each_secret
@pytest.mark.parametrize("around", ["{}", "refused: {} (status 403)", 'said "{}"', "a=1&b={}", "x\n{}\ny"])
def test_a_secret_is_hidden_wherever_it_stands_in_a_text(secret: str, around: str) -> None:
    text = masked(around.replace("{}", secret))

    assert HIDDEN in text
    assert not leaks(text)


@each_secret
def test_a_cut_text_contains_no_half_of_a_secret(secret: str) -> None:
    for before in range(280, 301):
        assert "hunt" not in beginning("x" * before + " " + secret, 300)
    for before in (16_370, 16_384 - len(secret) // 2):
        assert "hunt" not in masked("x " * (before // 2) + secret, 16_384)


@each_secret
def test_a_secret_is_hidden_in_one_line_and_in_a_text_for_people(secret: str) -> None:
    assert not leaks(one_line(f"refused: {secret} was sent"))
    assert not leaks(shown(secret))


def test_every_kind_of_the_table_has_an_example() -> None:
    found = {kind.name for kind in KINDS for secret in SECRETS.values() if kind.pattern.search(secret)}

    assert found | {"key of AWS or SendGrid", "Basic credentials"} == {kind.name for kind in KINDS}
    assert masked("Basic dXNlcjpwYXNz, AK" + "IA" + "X" * 16) == f"Basic {HIDDEN}, {HIDDEN}"


@pytest.mark.parametrize(
    "text",
    [
        "give it credentials: a service account",
        "password: see the secret store",
        "token: expired; credentials: missing",
        "use --password to give one",
        "authorization: basic auth is off",
        "GOOGLE_APPLICATION_CREDENTIALS=/etc/keys/reader.json",
        '-H "Authorization: Bearer $(gcloud auth print-access-token)"',
        "a basic question of authority about BigQuery",
        "Basic Authentication failed, bearer certificates are fine",
        'Unknown name "token": Cannot find field.',
        "reader@my-project.iam.gserviceaccount.com may not read my-project:nba_analytics.player_game_summary",
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken",
        "listening on http://localhost:9189, http://[::1]:9189/x@y",
        "ssh://git@github.com/x, https://host:443?x=a@b",
        "token_uri: https://oauth2.googleapis.com/token, private_key_id is no secret",
        "phase3_completion/2026-02-01: record_count is text",
        "sha256:0b1e5a5c0a6b1d54cf2a3a2b4f7f3b1b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f",
        "nba_analytics.player_game_summary not found",
        "no PEM private key in it; expected -----BEGIN PRIVATE KEY-----",
        "The configuration holds no secrets: credentials are Google's",
        HIDDEN,
    ],
)
def test_ordinary_words_names_and_addresses_are_left_as_they_are(text: str) -> None:
    assert masked(text) == text


def test_no_remedy_and_no_text_of_the_exporter_is_hidden() -> None:
    remedies = [row.remedy({}) for row in REFUSALS]
    remedies += [text for table in (FIRESTORE_REMEDIES, BIGQUERY_REMEDIES, TABLE_REMEDIES) for text in table.values()]
    words = [*CAUSES.values(), *(text for word in WORDS.values() for text in (word.did, word.effect, word.first))]

    assert [text for text in [*remedies, *words] if masked(text) != text] == []


@given(st.text() | st.sampled_from(sorted(SECRETS.values())))
def test_masking_twice_is_masking_once(text: str) -> None:
    once = masked(text)

    assert masked(str(once)) == once
    assert masked(once) is once


@pytest.mark.parametrize(
    "piece",
    [
        *("eyJ-", "a.", "://a", "://a:", "token", "token=[", "token={", "token={token=[", 'password="', 'password=\\"'),
        *("-----BEGIN PRIVATE KEY-----", "authorization=", "authorization: x ", "ya29.", "cookie:", "--token ", "1//"),
        *("basic ", "bearer ", "<token>", "token=)", "secret access key", "?key=", "\\", "$2y$", "{}", "A1b", "_"),
    ],
)
def test_masking_takes_linear_time(piece: str) -> None:
    """Steps of the pattern's engine cannot be counted; what is quadratic would take hours."""
    text = piece * (400_000 // len(piece))

    assert masked(text + "x")


def test_a_long_text_is_cut_and_says_so() -> None:
    assert masked("x" * 20_000, 16_384) == "x" * 16_384 + "... (3616 more characters)"


# --- data -------------------------------------------------------------------------------------------------------


def test_data_keeps_its_form_and_every_text_in_it_is_masked() -> None:
    data = {"a": [f"password={CORE}", 1, None, True, 2.5], f"token={CORE}": {"b": f"token={CORE}".encode()}}

    assert masked_data(data) == {
        "a": [f"password={HIDDEN}", 1, None, True, 2.5],
        f"token={HIDDEN}": {"b": f"token={HIDDEN}".encode()},
    }
    assert json.loads(masked_json(data | {f"token={CORE}": 1})) == {
        "a": [f"password={HIDDEN}", 1, None, True, 2.5],
        f"token={HIDDEN}": 1,
    }


def test_a_value_under_a_secrets_name_is_hidden_in_fields() -> None:
    data = {"db_password": 12345, "apiKey": {"stringValue": "x"}, "tokens": ["a", True, None], "token_uri": "x"}

    assert masked_data(data) == data
    assert masked_data(data, names=True) == {
        "db_password": HIDDEN,
        "apiKey": {"stringValue": HIDDEN},
        "tokens": [HIDDEN, True, None],
        "token_uri": "x",
    }


def test_an_entry_of_a_document_may_have_the_name_of_a_secret() -> None:
    document = {"refresh_token": {"status": "success", "token": "x"}, "secret": "x"}

    assert masked_record(document) == {"refresh_token": {"status": "success", "token": HIDDEN}, "secret": HIDDEN}


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "client_secret", "Set-Cookie", "x-api-key", "tokens", "pwd2"]
)
def test_a_name_that_ends_in_a_secrets_word_names_one(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["token_uri", "private_key_id", "key", "secretary", "nba/phase3/2026-02-01/token"])
def test_another_name_names_none(name: str) -> None:
    assert not names_secret(name)


def test_a_text_built_from_a_masked_one_is_not_marked_as_masked() -> None:
    assert isinstance(masked("x"), Masked)
    assert not isinstance(masked("x") + "y", Masked)
    assert not isinstance(masked("xy")[:1], Masked)
