"""What the config may say of Kubeflow."""

import pytest

from pipeline.config.config_file import load_config
from trainer_module.contract.errors import InputError


@pytest.mark.parametrize("root", ["gs://bucket/a", "s3://bucket", "minio://bucket/a/", "/mnt/a"])
def test_a_pipeline_root_is_in_an_object_store_or_on_a_volume(root):
    config = load_config(None, [f"kubeflow.pipeline_root={root}"], {"data": "d"})
    assert config.kubeflow.pipeline_root == root.rstrip("/")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("kubeflow.pipeline_root=here", ["kubeflow.pipeline_root", "gs://", "here"]),
        ("kubeflow.cpu={Trianer: 2}", ["kubeflow.cpu.Trianer", "'Trainer'"]),
        ("kubeflow.memory.Trainer=0", ["kubeflow.memory.Trainer", "greater than 0"]),
        ("kubeflow.secrets={TOKEN: hunter2}", ["kubeflow.secrets.TOKEN", "(masked)"]),
        ("kubeflow.env={a-b: c}", ["kubeflow.env.a-b"]),
        ("kubeflow.volumes={claim: data}", ["kubeflow.volumes.claim", "data"]),
        ("kubeflow.labels={team: 'a b'}", ["kubeflow.labels.team", "a b"]),
        ("kubeflow.tolerations={default: [{value: a}]}", ["tolerations.default", "needs a key"]),
        (
            "kubeflow.tolerations={Trainer: [{key: a, operator: Exists, value: b}]}",
            ["kubeflow.tolerations.Trainer", "takes no value"],
        ),
        ("kubeflow.gpus=1", ["kubeflow.gpus", "unknown", "gpu_count"]),
    ],
)
def test_a_mistake_gets_one_line_that_names_the_key(override, words):
    with pytest.raises(InputError) as error:
        load_config(None, [override], {"data": "d"})
    assert "\n" not in str(error.value)
    assert all(word in str(error.value) for word in words)
