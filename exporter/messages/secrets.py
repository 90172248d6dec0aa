"""The one table that decides what is a secret in a text, and the functions that hide secrets.

Everything that leaves the process passes `masked` or `masked_data`: logs, HTTP answers, and the output of commands.
Texts are masked value by value before they are cut, wrapped in a table or escaped, because a secret in pieces is not
recognised.

The patterns take linear time: none can start again inside the text that it has searched.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from exporter.messages.printable import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN: Final = "(hidden)"
"""The text in place of a secret. It needs no quoting in YAML, JSON and Markdown."""

_REPEATED: Final = 256
"""Results for texts up to this length are cached: names, verdicts and hints occur in every report."""

_SEARCHED: Final = 16 * 1024
"""How much is searched of a text of which only the beginning is shown."""

_PARTLY: Final = 2048
"""A word of at least this length at the end of a cut text may be half of a secret, and is removed."""

_NAMES: Final = (
    r"passw(?:or)?d|passphrase|passcode|pwd|secret(?:[ _-]?(?:access[ _-]?)?key)?|token|assertion"
    r"|(?<!application_)credential|(?:api|private|access|account|signing|encryption|shared|routing|service|integration"
    r"|webhook)[ _-]?key|apikey"
)
"""The endings of names of settings with secrets: `db_password`, `clientSecret`, `X-Auth-Token`, `tokens`."""

_NAME_SIGNS: Final = ("passw", "passphrase", "passcode", "pwd", "secret", "token", "assertion", "credential", "key")

_ORDINARY: Final = (
    r"(?!\(hidden\)|\$[({]|(?-i:\$[A-Z_]{3,}\b)|`[\w.-]{1,40}\s"
    r"|(?:a|absent|an|and|any|are|as|ask|auth|authentication|authorization|be|by|can|cannot|check|correct|credentials|default|denied"
    r"|does|empty|expired|failed|false|for|found|from|give|has|have|if|in|invalid|is|it|its|malformed|may|missing|must"
    r"|name|no|none|not|null|of|ok|on|one|or|refused|rejected|required|revoked|run|see|service|set|the|this|to|true"
    r"|unknown|unset|unused|use|used|was|were|what|with|wrong|you|your)[,.;:!?)\]}\"'\\]{0,5}(?:\s|\Z))"
)
"""Values that are no secrets: the first words of a sentence ("credentials: a service account"), variables, commands."""

_QUOTED: Final = (
    r"b?\"(?:[^\"\\]|\\.)*(?:\"|\Z)"
    r"|b?'(?:[^'\\]|\\.)*(?:'|\Z)"
    r"|\\+(?P<quote>[\"']).*?(?:\\+(?P=quote)|\Z)"
)
_BRACKETED: Final = r"\{(?:[^{}]|\{[^{}]*\})*\}|\[[^\[\]]*\]|\([^()]*\)"
_BARE: Final = r"[^\s&\"'<>\\]*[^\s&\"'<>\\,;.:!?)}\]]"
"""A value without quotes; punctuation at its end belongs to the sentence."""

_KEPT: Final = rf"\g<kept>{HIDDEN}"
_SCHEMES: Final = r"basic|bearer|negotiate|ntlm|token|apikey|geniekey|splunk"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of secret. `pattern` finds it, `kept` is the part of the match that stays.

    `signs`: every text with such a secret contains one of these, in lower case. Searching for them is cheap.
    """

    name: str
    signs: tuple[str, ...]
    pattern: re.Pattern[str]
    kept: str


def _kind(name: str, signs: str | tuple[str, ...], pattern: str, kept: str = HIDDEN) -> Kind:
    found = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return Kind(name, (signs,) if isinstance(signs, str) else signs, found, kept)


KINDS: Final = (
    _kind(
        "private key in PEM form",
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----(?=(?:\s|\\[nr]){0,8}[\w+/=-]{8,}).*?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|\Z)",
    ),
    _kind(
        "user and password in an address",
        "://",
        r"(?<=://)[^\s/?#@:\"'<>\[]{0,256}:(?!\d{1,5}(?:[/?#\s]|\Z))(?:(?!://)[^\s@\"'<>])*@(?:[^\s/@\"'<>]*@)*",
        f"{HIDDEN}@",
    ),
    _kind("token as the user of an address", "://", r"(?<=://)[^\s/?#@:\"'<>]{20,}(?=@)"),
    _kind(
        "Authorization header in quotes",
        "authorization",
        rf"(?P<kept>authorization[\"'\\]{{0,9}}\s{{0,4}}[:=]\s{{0,4}}(?P<quote>\\*[\"'])(?:(?:{_SCHEMES})\s++)?)"
        r"(?:(?!(?P=quote)).)+",
        _KEPT,
    ),
    _kind(
        "Authorization header",
        "authorization",
        r"(?P<kept>authorization[\"'\\]{0,9}\s{0,4}[:=]\s{0,4}+"
        rf"(?:(?:{_SCHEMES})\s++|[A-Za-z][\w-]{{1,24}}\s++(?=\w{{0,200}}\d))?)"
        rf"(?:digest\s[^\r\n]+|(?!(?:{_SCHEMES})\s|[\w-]{{1,25}}\s\(hidden\)){_ORDINARY}[^\s\"'\\,;<>&]+)",
        _KEPT,
    ),
    _kind("bearer token", "bearer", r"(?P<kept>\bbearer\s+)(?![a-z]+[,.;:!?)]{0,5}(?:\s|\Z))[\w.~+/=-]{8,}", _KEPT),
    _kind(
        "Basic credentials",
        "basic",
        r"(?P<kept>\bbasic\s+)(?=[A-Za-z+/]{0,200}[0-9=]|[\w+/]{16}|(?-i:\w{0,40}[a-z][A-Z]\w{0,40}[a-z][A-Z]))"
        r"[A-Za-z0-9+/]{6,}={0,2}",
        _KEPT,
    ),
    _kind("cookie", "cookie", rf"(?P<kept>\bcookie[\"']?\s{{0,4}}[:=]\s{{0,4}}+[\"']?){_ORDINARY}[^\r\n\"']+", _KEPT),
    _kind("JSON web token", "eyj", r"(?:(?-i:eyJ)[\w-]{8,}|eyj[\w-]{8,}\.[\w-]{8,})(?:\.[\w-]*){0,4}"),
    _kind("Google access token", "ya29", r"ya29\.[\w.-]+"),
    _kind("Google refresh token", "1//", r"(?:(?<![\w.:/])|(?<=\\[nrt]))1//[\w-]{10,}"),
    _kind("Google client secret", "gocspx", r"GOCSPX-[\w-]+"),
    _kind("Google API key", "aiza", r"(?-i:AIza)[\w-]{10,}|aiza[\w-]{30,}"),
    _kind(
        "key in a query string",
        "=",
        r"(?P<kept>[?&](?:amp;)?(?:key|sig|signature|code|auth|pass|sid)=)[^&\s\"'<>#\\]+",
        _KEPT,
    ),
    _kind(
        "signature in a query string",
        ("x-goog-", "x-amz-"),
        r"(?P<kept>\bx-(?:goog|amz)-(?:signature|credential|security-token)=)[^&\s\"'<>#\\]+",
        _KEPT,
    ),
    _kind("token of Slack", ("xox", "xapp-"), r"\b(?:xox[a-z]|xapp)-[\w-]{8,}"),
    _kind("token of GitHub or GitLab", ("gh", "glpat-"), r"\b(?:gh[a-z]_|github_pat_|glpat-)[\w-]{16,}"),
    _kind(
        "key of AWS or SendGrid",
        ("akia", "asia", "sg."),
        r"\b(?-i:(?:AKIA|ASIA)[A-Z0-9]{12,}|SG\.[\w-]{12,}\.[\w-]{12,})",
    ),
    _kind(
        "key of another service",
        ("sk-", "k_live_", "k_test_", "hf_", "npm_", "dckr_pat_"),
        r"\b(?:sk-[\w-]{20,}|[srp]k_(?:live|test)_\w{12,}|(?:hf|npm|dckr_pat)_[\w-]{20,})",
    ),
    _kind("user of curl", "-u", r"(?P<kept>(?<![\w-])(?:-u|--user)\s{1,4}+)[^\s:\"']+:\S+", _KEPT),
    _kind(
        "webhook",
        ("hook", "pagerduty", "api.telegram", "hc-ping"),
        r"(?P<kept>\bhooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api(?:/v\d+)?/webhooks/"
        r"|\bwebhook(?:\.office\.com/|b2/)|\bpagerduty\.com/(?:integration|x-ere)/|\bapi\.telegram\.org/bot|\bhc-ping\.com/)"
        r"[^\s\"'<>?]+",
        _KEPT,
    ),
    _kind("hash of a password", "$", r"\$(?:2[aby]|5|6|y|argon2\w{1,2}|scrypt)\$[^\s\"'<>]{20,}"),
    _kind("element by its name", ">", rf"(?P<kept><[\w:.-]{{0,40}}(?:{_NAMES})s?\d{{0,3}}>)[^<]+", _KEPT),
    _kind(
        "option by its name",
        "--",
        rf"(?P<kept>--[\w-]{{0,40}}(?:{_NAMES})\s{{1,4}}+){_ORDINARY}(?:{_QUOTED}|(?!--){_BARE})",
        _KEPT,
    ),
    _kind(
        "setting by its name",
        _NAME_SIGNS,
        rf"(?P<kept>(?:{_NAMES})s?\d{{0,3}}[\"'\\]{{0,9}}\s{{0,4}}(?:=>|[:=]|%3[ad])=?\s{{0,4}}+)"
        rf"{_ORDINARY}(?:{_QUOTED}|{_BRACKETED}|{_BARE})",
        _KEPT,
    ),
)
"""Every kind of secret, in this order: first those with a form of their own, then those with a name beside them."""

_SIGN: Final = re.compile("|".join(sorted({re.escape(sign) for kind in KINDS for sign in kind.signs})))
"""Any sign of any kind. Most texts have none, and one search says so."""

_SECRET_NAME: Final = re.compile(rf"[\w .:-]{{0,80}}(?:{_NAMES}|authorization|cookie)s?\d{{0,3}}", re.IGNORECASE)
_OPAQUE: Final = re.compile(
    r"(?<![\w/.@-])(?=[\w+=-]{0,400}\d)(?=[\w+=-]{0,400}[A-Z])(?=[\w+=-]{0,400}[a-z])[\w+=-]{24,}+(?![/.@])",
)


class Masked(str):
    """A text whose values were masked before it was put together; it is not masked again."""

    __slots__ = ()


def masked(text: str, longest: int | None = None) -> Masked:
    """The text without its secrets. A text longer than `longest` is cut, and says by how much."""
    if isinstance(text, Masked) and (longest is None or len(text) <= longest):
        return text
    if longest is not None and len(text) > longest:
        kept = _whole(text[:longest])
        return Masked(f"{_masked(kept)}... ({len(text) - len(kept)} more characters)")
    return Masked(_without_secrets(text))


def beginning(text: str, most: int) -> str:
    """The first characters of a text; it is masked before it is cut."""
    return masked(text if len(text) <= _SEARCHED else _whole(text[:_SEARCHED]))[:most]


def masked_data(value: object, *, names: bool = False) -> Any:  # noqa: ANN401 - JSON and the like
    """The same mappings, lists and values with every text masked, including the keys.

    `names`: the keys are names of settings or fields, and a value under a secret's name is hidden whole. Without it,
    keys are names of processors, tables and phases, or our own.
    """
    return _data(value, names=names, hide=False)


def masked_record(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Mask a document or a row: its keys name fields, but the key of a mapping names an entry."""
    return {
        _without_secrets(name): _data(value, names=True, hide=names_secret(name) and not isinstance(value, dict))
        for name, value in fields.items()
    }


def masked_json(value: object, indent: int | None = 1) -> Masked:
    """`masked_data` as JSON, in which every character prints."""
    text = json.dumps(masked_data(value), ensure_ascii=False, indent=indent)
    return Masked(escaped(text.encode("utf-8", "replace").decode(), keep="\n"))


def names_secret(name: str) -> bool:
    """Whether a field of this name holds a secret."""
    return _SECRET_NAME.fullmatch(name) is not None


def without_opaque(text: str) -> str:
    """Mask the text of an error about credentials: words that look random are hidden as well."""
    return _OPAQUE.sub(HIDDEN, text)


def _masked(text: str) -> str:
    lower = text.lower()
    if _SIGN.search(lower) is None:
        return text
    for kind in KINDS:
        if any(sign in lower for sign in kind.signs):
            text = kind.pattern.sub(kind.kept, text)
    return text


_remembered = lru_cache(maxsize=32_768)(_masked)


def _without_secrets(text: str) -> str:
    return _remembered(text) if len(text) <= _REPEATED else _masked(text)


def _whole(text: str) -> str:
    """The text without its last word, which was cut in the middle and may be half of a secret."""
    end = max(text.rfind(mark) for mark in " \t\r\n\"'<>")
    return text[: end + 1] if end >= len(text) - _PARTLY else text


def _data(value: object, *, names: bool, hide: bool) -> Any:  # noqa: ANN401 - as above
    """A plain text for JSON and YAML, which accept no subclasses. An enumeration's value has no secret."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {
            _without_secrets(key) if isinstance(key, str) else key: _data(
                item, names=names, hide=hide or (names and isinstance(key, str) and names_secret(key))
            )
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_data(item, names=names, hide=hide) for item in value]
    if hide:
        return HIDDEN
    if isinstance(value, bytes):
        return _without_secrets(value.decode("latin-1")).encode("latin-1")
    return _without_secrets(value) if type(value) is str or isinstance(value, Masked) else value
