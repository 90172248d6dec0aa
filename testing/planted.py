"""One example of each kind of secret, assembled at run time so that secret scanners find none in the repository."""

from __future__ import annotations

from typing import Final

from exporter.messages.secrets import HIDDEN

CORE: Final = "hunter2"
"""A word in the secret part of every example, so that one search finds any of them."""

_LONG: Final = CORE * 5
_JWT: Final = ".".join(("ey" + "JhbGciOiJSUzI1NiJ9", "ey" + "JzdWIiOiJ4In0", _LONG))
_PEM: Final = "-----BEGIN {0}PRIVATE KEY-----{1}MII" + CORE + "{1}-----END {0}PRIVATE KEY-----"

SECRETS: Final = {
    "user and password in an address": f"https://reader:{CORE}@db.example.com/x",
    "password with marks in an address": f"postgres://reader:a/{CORE}@b@db.example.com/x",
    "token as the user of an address": f"https://{_LONG}@git.example.com/x",
    "basic header": f"Authorization: Basic {CORE}aHVudGVyMg==",
    "bearer header": f"authorization: Bearer {CORE}.x.y",
    "header of another scheme": f"Authorization: GenieKey {CORE}-1",
    "digest header": f'Authorization: Digest username="u", response="{CORE}"',
    "header in a mapping": f"{{'Authorization': 'Basic aHVudGVy {CORE}'}}",
    "bearer token": f"sent Bearer {CORE}{CORE} to it",
    "cookie": f"Cookie: a=1; session={CORE}",
    "API key in a query": f"GET /v1/x?alt=json&key={CORE}&y=1",
    "Google API key": "AI" + f"za{_LONG}",
    "signed address": f"https://storage.example.com/x?X-Goog-Signature={CORE}",
    "JWT": _JWT,
    "JWT after an escaped line break": f"first\\n{_JWT}",
    "assertion in a form": f"grant_type=jwt-bearer&assertion={CORE}&scope=a",
    "assertion in words": f"assertion: {CORE}",
    "client secret in a form": f"client_id=a&client_secret={CORE}",
    "Google client secret": "GOC" + f"SPX-{CORE}",
    "refresh token in JSON": f'{{"refresh_token": "{CORE} and more"}}',
    "refresh token": "1/" + f"/0g{CORE}-{CORE}",
    "private key in JSON": '{"private_key": "' + _PEM.format("", "\\n") + '"}',
    "PEM block": _PEM.format("RSA ", "\n"),
    "PEM block without an end": _PEM.format("EC ", "\n").partition("-----END")[0],
    "JSON in JSON": f'{{\\"password\\": \\"{CORE} x\\", \\"a\\": 1}}',
    "password in words": f"the password: {CORE} was refused",
    "secret in camel case": f"clientSecret={CORE}",
    "password of an environment": f"DB_PASSWORD={CORE};",
    "option": f"ran with --api-key {CORE} --verbose",
    "element": f"<db:password>{CORE}</db:password>",
    "header of another name": f"X-Auth-Token: {CORE}",
    "mapping of credentials": f"'credentials': {{'a': {{'b': '{CORE}'}}}}",
    "Google access token": "ya" + f"29.{CORE}-x.y",
    "hash of a password": "$2" + f"y$10${_LONG}",
    "Slack webhook": f"https://hooks.{'slack'}.com/services/T0/B0/{CORE}",
    "Slack token": "xo" + f"xb-1-{CORE}",
    "Discord webhook": f"https://{'discord'}.com/api/webhooks/1/{CORE}",
    "PagerDuty key": f"routing_key: {CORE}",
    "PagerDuty webhook": f"https://events.{'pagerduty'}.com/integration/{CORE}/enqueue",
    "key of another service": "sk" + f"_live_{_LONG}",
    "user of curl": f"curl -u reader:{CORE} https://db.example.com",
    "GitHub token": "gh" + f"p_{_LONG}",
}
"""A text with a secret, by kind. Each is short enough to be kept as a document's text."""


def leaks(text: str) -> bool:
    """Whether the text contains the secret part, wrapped or not."""
    return CORE in "".join(text.split())


__all__ = ["CORE", "HIDDEN", "SECRETS", "leaks"]
