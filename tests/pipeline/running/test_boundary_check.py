import pytest

from pipeline.config.config_file import load_config
from pipeline.running import boundary_check
from pipeline.running.boundary_check import check_boundary
from trainer_module.contract.errors import InputError


def config_of(block: str, *more: str, group: str = "fine_tuning"):
    return load_config(None, [f"{group}.trainable_from={block}", *more], {"data": "d"})


@pytest.mark.component
@pytest.mark.parametrize("group", ["fine_tuning", "retrain"])
@pytest.mark.parametrize("block", ["block99", "Top", "top "])
def test_a_name_that_is_no_block_of_the_backbone_is_refused_with_the_blocks(block, group):
    with pytest.raises(InputError) as error:
        check_boundary(config_of(f"'{block}'", "image_size=32", group=group))
    message = str(error.value)
    assert message.startswith(f"config key '{group}.trainable_from': must be a share between ")
    assert "a block of efficientnet_lite0: stem, " in message
    assert message.endswith(f'Received: "{block}"')
    assert "\n" not in message


@pytest.mark.component
def test_a_block_of_the_backbone_is_accepted():
    check_boundary(config_of("top", "image_size=32"))


@pytest.mark.parametrize(
    "settings", [("0.5",), ("0",), ("all",), ("nothing", "fine_tuning.epochs=0")]
)
def test_a_share_or_a_skipped_stage_needs_no_check(settings, monkeypatch):
    monkeypatch.setattr(boundary_check, "PROGRAM", "raise SystemExit('not to be run')")
    monkeypatch.setattr(boundary_check.subprocess, "run", None)
    check_boundary(config_of(*settings))
