"""What is masked, and what is not."""

import pytest

from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.credentials import (
    MASK,
    find_credentials,
    holds_mask,
    masked_arguments,
    masked_settings,
    masked_text,
)

HIDDEN = "hunter2-8s7dTq"

TOKENS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "glpat-16C7e42F292c6912E771",
    "xoxb-2048-2049-aB3cD4eF5g",
    "hf_16C7e42F292c6912E7710c838347Ae17",
    "AIza" + "Sy8b3c4d5e" * 3 + "abcde",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
]


@pytest.mark.parametrize(
    "text",
    [
        f"s3://me:{HIDDEN}@host/pictures",
        f"https://:{HIDDEN}@host",
        f"gs://bucket/a.png?X-Goog-Signature={HIDDEN}&X-Goog-Date=1",
        f"https://a.blob.core.windows.net/c/a.png?sv=1&sig={HIDDEN}",
        f"https://host/a?x=1&token={HIDDEN}#part",
        f"https://host/?access_token={HIDDEN}",
        f"https://host/?key={HIDDEN}",
        f"DefaultEndpointsProtocol=https;AccountKey={HIDDEN};Suffix=x",
        f"--s3_secret_access_key={HIDDEN}",
        f"AWS_SECRET_ACCESS_KEY={HIDDEN} carryover run",
        f'{{"db_password": "{HIDDEN}", "user": "me"}}',
        f"{{'api-key': '{HIDDEN}'}}",
        f"password: {HIDDEN}",
        f"Authorization: Bearer {HIDDEN}",
        f"Authorization: Basic {HIDDEN}",
        f"'authorization': '{HIDDEN}'",
        f"https://hooks.slack.com/services/T0/B0/{HIDDEN}",
        f"-----BEGIN RSA PRIVATE KEY-----{HIDDEN}",
        f"-----BEGIN PRIVATE KEY-----\n{HIDDEN}\n-----END PRIVATE KEY-----\n",
        f"X-Api-Key: {HIDDEN}",
        f"'x-auth-token': '{HIDDEN}'",
        *TOKENS,
    ],
)
def test_credentials_in_a_text_are_masked(text):
    masked = masked_text(f"cannot read {text}")
    assert masked.startswith("cannot read ")
    assert MASK in masked
    assert HIDDEN not in masked
    assert not any(token in masked for token in TOKENS)
    assert masked_text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "gs://bucket/a:b@c.png",
        "abfss://container@account.dfs.core.windows.net/a",
        "hdfs://namenode:8020/pictures",
        "http://localhost:8501/v1/models/a@b",
        "config key 'kubeflow.secrets.TOKEN': must be text. Received: x",
        "--set takes key=value, such as image_size=128.",
        "To continue anyway: --set validation.allow=[copies]",
        "the signature serving_default: image -> label",
        "/data/sketches/key-ring/token.png",
        "sk-learn is not installed",
        "secretary-bird 12, passenger 3, author 4",
        "",
    ],
)
def test_other_texts_are_kept(text):
    assert masked_text(text) == text


def test_a_long_text_is_masked_at_once():
    text = "a.b-c_" * 20_000
    assert masked_text(text) == text


SETTINGS = {
    "data": f"s3://me:{HIDDEN}@host/pictures",
    "workspace": "/models/token=1",
    "kubeflow": {"env": {"A": HIDDEN, "EMPTY": ""}, "secrets": {"B": "store/key"}, "retries": 2},
    "beam": {
        "runner": "flink",
        "options": {
            "s3_secret_access_key": HIDDEN,
            "s3_session_token": HIDDEN,
            "pin_key": 12345,
            "flink_master": "host:8081",
            "environment_config": f'{{"env": {{"DB_PASSWORD": "{HIDDEN}"}}}}',
        },
    },
    "notify": {"command": ["curl", "-H", HIDDEN]},
    "domain": None,
}


def test_credentials_in_a_config_are_masked_and_the_rest_is_kept():
    masked = masked_settings(SETTINGS)
    assert HIDDEN not in str(masked)
    assert masked["data"] == f"s3://me:{MASK}@host/pictures"
    assert masked["workspace"] == "/models/token=1"
    env, secrets = masked["kubeflow"]["env"], masked["kubeflow"]["secrets"]
    assert (env, secrets) == ({"A": MASK, "EMPTY": MASK}, {"B": MASK})
    assert masked["kubeflow"]["retries"] == 2
    options = masked["beam"]["options"]
    assert options["flink_master"] == "host:8081"
    assert options["pin_key"] == MASK
    assert options["environment_config"] == f'{{"env": {{"DB_PASSWORD": "{MASK}"}}}}'
    assert masked["notify"]["command"] == ["curl", MASK, MASK]
    assert masked["domain"] is None
    assert holds_mask(masked)
    assert not holds_mask(SETTINGS)


def test_what_a_compiled_file_would_show_is_named():
    keys = find_credentials(SETTINGS | {"kubeflow": {"env": {"API_TOKEN": "a", "HOME": "/x"}}})
    assert keys == [
        "data",
        "workspace",
        "kubeflow.env.API_TOKEN",
        "beam.options.s3_secret_access_key",
        "beam.options.s3_session_token",
        "beam.options.pin_key",
        "beam.options.environment_config",
    ]


@pytest.mark.parametrize(
    "argument",
    [
        f"kubeflow.env.A={HIDDEN}",
        f"kubeflow.env={{A: {HIDDEN}}}",
        f"--set=kubeflow.env.A={HIDDEN}",
        f"kubeflow={{env: {{A: {HIDDEN}}}}}",
        f"notify.command=[curl, {HIDDEN}]",
        f"beam.options.s3_secret_access_key={HIDDEN}",
        f"beam.options={{a: {HIDDEN}}}",
        f"s3://me:{HIDDEN}@host",
    ],
)
def test_credentials_on_a_command_line_are_masked(argument):
    command = masked_arguments(["run", "--set", argument, "--set", "gate.max_drop=0.1"])
    assert HIDDEN not in " ".join(command)
    assert command[:2] == ["run", "--set"]
    assert command[3:] == ["--set", "gate.max_drop=0.1"]


def test_the_message_of_an_input_error_is_printable_and_masked():
    error = InputError(f"two\nlines \x1b[31m s3://me:{HIDDEN}@host")
    assert str(error) == rf"two\nlines \x1b[31m s3://me:{MASK}@host"
    assert error.args == (str(error),)


@pytest.mark.parametrize(
    ("uri", "masked"),
    [
        ("http://t0ken@host:5000", "http://(masked)@host:5000"),
        ("http://me:s3cr/et9@host", "http://me:(masked)@host"),
        ("http://host:5000/a@b", "http://host:5000/a@b"),
        ("s3://me@host/pictures", "s3://me@host/pictures"),
    ],
)
def test_in_addresses_of_http_short_tokens_and_passwords_with_a_slash_are_masked(uri, masked):
    assert masked_text(uri) == masked
