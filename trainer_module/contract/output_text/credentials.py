"""What is a credential, in settings and in texts, and how it is masked.

Credentials in a config are declared (`SECRET_KEYS`), or recognised by their name or by their form.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Text in place of a credential.
MASK = "(masked)"

#: Groups of config keys whose values are all masked.
SECRET_KEYS = (("kubeflow", "env"), ("kubeflow", "secrets"))

#: Config key with a program and its arguments, which may hold a token or a secret address.
COMMAND_KEY = ("notify", "command")

_WORDS = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|credential|connection[_-]?string"
    r"|(?:api|access|account|private|encryption|shared)[_-]?key"
)

#: A name that contains one of these words.
_NAME = rf"[\w.-]{{0,40}}(?:{_WORDS})[\w.-]{{0,40}}"

#: Names of settings with credentials; `key` alone, or as a word of a longer name, is one.
_SECRET_NAME = re.compile(rf"{_WORDS}|signature|(?:^|[._-])(?:key|auth|sig)(?:$|[._-])", re.I)

#: Parameters of signed URLs.
_PARAMETERS = (
    r"sig|signature|key|auth|code|googleaccessid|awsaccesskeyid"
    r"|x-(?:amz|goog)-(?:signature|credential|security-token)"
)

#: Credentials in texts. What follows group 1 is masked, up to group 2 if there is one.
_IN_TEXT = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"()-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
        # scheme://user:password@host, or a token in place of the user
        r"\b([a-z][a-z0-9+.-]{0,20}://[^\s/?#:@'\"]*:)[^\s/?#'\"]+(@)",
        r"\b([a-z][a-z0-9+.-]{0,20}://)\w{32,}(@)",
        # of HTTP, also a short token, and a password with a slash, which is no port
        r"\b(https?://)[^\s/?#:@'\"]+(@)",
        r"\b(https?://[^\s/?#:@'\"]*:)(?!\d*(?:[/?#\s]|$))[^\s@'\"]+(@)",
        rf"([?&;](?:{_PARAMETERS}|{_NAME})=)[^\s&;#'\"]+",
        # JSON and Python: "password": "...", then password=...
        rf"""((["']){_NAME}\2\s*:\s*["'])(?:[^"'\\]|\\.)+""",
        rf"(\b{_NAME}=)(?![=\s(]|\.\.\.)(?:\"[^\"]*\"|'[^']*'|[^\s&;,)}}\]'\"]+)",
        r"(\b[\w.-]{0,40}(?:passw(?:or)?d|passphrase): )[^\s,;'\"]+",
        r"(\bauthorization[\"']?\s*[:=]\s*[\"']?(?:[a-z]+ )?)[^\s\"']+",
        r"(\bx-[\w-]{0,30}(?:key|token|secret)[\"']?\s*:\s*[\"']?)[^\s\"',]+",
        r"(\bbearer )[a-z0-9._~+/-]{16,}=*",
        r"(\bhooks\.slack\.com/services/|\bapi\.telegram\.org/bot)[^\s'\"]+",
    )
) + tuple(
    re.compile(pattern)
    for pattern in (
        # tokens of services, by their prefix
        r"()\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"()\bAIza[0-9A-Za-z_-]{35}",
        r"()\b(?:gh[pousr]_|github_pat_|glpat-|hf_|sk-|pypi-)(?=[\w-]*\d)[\w-]{20,}",
        r"()\bxox[abeoprs]-[0-9A-Za-z-]{10,}",
        r"()\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*",
    )
)  # fmt: skip


def masked_text(text: str) -> str:
    """Return a text with `MASK` in place of what looks like a credential.

    Example:
        >>> from trainer_module.contract.output_text.credentials import masked_text
        >>> masked_text("cannot read s3://me:8s7d@host/pictures")
        'cannot read s3://me:(masked)@host/pictures'
    """
    for pattern in _IN_TEXT:
        text = pattern.sub(_mask, text)
    return text


def masked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a config with `MASK` in place of credentials.

    Args:
        settings: JSON values by key, as in a config file.
    """
    return {key: masked_value((key,), value) for key, value in settings.items()}


def masked_value(key: tuple[str, ...], value: Any) -> Any:
    """Return the value of a config key with `MASK` in place of credentials.

    Args:
        key: Keys that lead to the value.
        value: JSON value.
    """
    if isinstance(value, Mapping):
        return {name: masked_value((*key, str(name)), one) for name, one in value.items()}
    if value is None or isinstance(value, bool) or key == ("workspace",):
        return value
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if key[:2] == COMMAND_KEY:
        return [*value[:1], *[MASK] * len(value[1:])] if is_list else MASK
    if any(key[: len(group)] == group for group in SECRET_KEYS) or _is_secret_option(key):
        return MASK
    if is_list:
        return [masked_value(key, one) for one in value]
    return masked_text(value) if isinstance(value, str) else value


def find_credentials(settings: Mapping[str, Any]) -> list[str]:
    """Return the dotted keys of a config whose values look like credentials, by name or by form.

    Args:
        settings: JSON values by key. References to Kubernetes secrets are none.
    """
    return [".".join(key) for key, value in _values(settings, ()) if _looks_secret(key, value)]


def masked_arguments(arguments: Sequence[str]) -> list[str]:
    """Return a command line with `MASK` in place of credentials, such as those of `--set`."""
    return [_masked_argument(argument) for argument in arguments]


def holds_mask(value: Any) -> bool:
    """Return whether a value, or a part of it, has been masked."""
    if isinstance(value, Mapping):
        return any(map(holds_mask, value.values()))
    if isinstance(value, str):
        return MASK in value
    return isinstance(value, Sequence) and any(map(holds_mask, value))


def _masked_argument(argument: str) -> str:
    """Mask the value in `KEY=VALUE` and `--set=KEY=VALUE`."""
    prefix = "--set=" if argument.startswith("--set=") else ""
    name, equals, _ = argument.removeprefix(prefix).partition("=")
    key = tuple(name.strip().split("."))
    is_secret = key[:2] in (*SECRET_KEYS, COMMAND_KEY) or _is_secret_option(key)
    if equals and (
        is_secret or key in (("kubeflow",), ("notify",), ("beam",), ("beam", "options"))
    ):
        return f"{prefix}{name}={MASK}"
    return masked_text(argument)


def _values(value: Any, key: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the keys that lead to every text and number of a config."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _values(one, (*key, str(name)))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield key, " ".join(map(str, value))
    elif value is not None and not isinstance(value, bool):
        yield key, value


def _looks_secret(key: tuple[str, ...], value: Any) -> bool:
    if key[:2] == ("kubeflow", "secrets"):
        return False
    is_named = key[:2] in (("kubeflow", "env"), ("beam", "options"))
    is_secret = is_named and bool(_SECRET_NAME.search(key[-1]))
    return is_secret or masked_text(str(value)) != str(value)


def _is_secret_option(key: tuple[str, ...]) -> bool:
    """Return whether a key is an option of Beam with a credential."""
    return key[:2] == ("beam", "options") and len(key) > 2 and bool(_SECRET_NAME.search(key[-1]))


def _mask(found: re.Match[str]) -> str:
    end = found[2] if found.re.groups > 1 and found[2] == "@" else ""
    return f"{found[1]}{MASK}{end}"
