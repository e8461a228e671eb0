"""Whether new versions are first in shadow: command line and config."""

from pathlib import Path

import pytest
from tiny_pictures import write_files

from components.pusher.promoted_version import shadow_file
from components.pusher.version_store import Push, VersionStore
from pipeline.serving.shadow.shadow_options import ShadowOptions, read_shadow_options
from pipeline.serving.shadow.shadow_state import ShadowState, write_shadow_state
from trainer_module.contract.errors import InputError


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> VersionStore:
    """A version whose run has a config."""
    store = VersionStore(tmp_path, "shapes")
    model = write_files(tmp_path / "model", {"saved_model.pb": b""})
    store.push(model, Push("digest", "run-1", "key", None, "2024-01-01T00:00:00+00:00", {}))
    config = b"data: pictures\nserve: {promote: after_shadow, shadow_pictures: 70}\n"
    write_files(tmp_path / "runs" / "run-1", {"config.yaml": config})
    return store


def test_without_a_shadow_the_config_of_the_run_of_the_newest_version_decides(store):
    assert read_shadow_options(store, None, [], None) == ShadowOptions(True, 70, 0.1)


def test_options_win_over_the_config(store, tmp_path):
    assert not read_shadow_options(store, None, [], False).is_on
    overrides = ["serve.max_disagreement=0.2", "serve.promote=at_once"]
    assert read_shadow_options(store, None, overrides, None) == ShadowOptions(False, 70, 0.2)
    other = tmp_path / "other.yaml"
    other.write_text("notify: {command: [mail, me]}\n")  # a run's data are not needed
    assert read_shadow_options(store, other, [], True) == ShadowOptions(
        True, 500, 0.1, ("mail", "me")
    )


def test_without_the_folder_of_the_run_there_are_defaults(store):
    (store.root / "runs").rename(store.root / "moved")
    assert read_shadow_options(store, None, [], None) == ShadowOptions(False, 500, 0.1)
    assert read_shadow_options(store, None, ["serve.shadow_pictures=7"], True).num_pictures == 7


@pytest.mark.parametrize("content", ["", "data: pictures", "data: p\nserve: {promote: never}\n"])
def test_a_config_that_cannot_be_used_is_named_and_keeps_no_server_from_starting(
    store, content, capsys
):
    (store.root / "runs" / "run-1" / "config.yaml").write_text(content)
    assert read_shadow_options(store, None, [], None) == ShadowOptions(False, 500, 0.1)
    said = capsys.readouterr().err
    assert "config.yaml" in said
    assert "keys of `serve` have their defaults" in said


def push_second(store: VersionStore, config: str, promoted: int = 1) -> Path:
    """Push a version whose run has a config, and let an earlier one serve; return the config."""
    model = write_files(store.root / "second", {"saved_model.pb": b""})
    store.push(model, Push("other", "run-2", "key", None, "2024-01-02T00:00:00+00:00", {}))
    write_files(store.root / "runs" / "run-2", {"config.yaml": config.encode()})
    write_shadow_state(shadow_file(store), ShadowState(promoted).to_json())
    return store.root / "runs" / "run-2" / "config.yaml"


@pytest.mark.parametrize("second", ["data: p\nserve: {promote: at_once}\n", "a: ["])
def test_the_version_in_shadow_does_not_decide_on_its_shadow(store, second, capsys):
    push_second(store, second)
    assert read_shadow_options(store, None, [], None) == ShadowOptions(True, 70, 0.1)
    assert not capsys.readouterr().err


@pytest.mark.parametrize("first", [None, "a: [", "data: p\n"])
def test_where_no_config_says_so_a_shadow_stays_until_an_option_ends_it(store, first, capsys):
    push_second(store, "data: p\nserve: {promote: at_once}\n")
    config = store.root / "runs" / "run-1" / "config.yaml"
    if first is None:
        config.parent.rename(store.root / "aside")
    else:
        config.write_text(first)
    assert read_shadow_options(store, None, [], None).is_on
    assert "version 1 serves. --no-shadow lets the newest" in capsys.readouterr().err
    assert not read_shadow_options(store, None, [], False).is_on
    assert not read_shadow_options(store, None, ["serve.promote=at_once"], None).is_on


def test_a_config_that_lets_new_versions_serve_at_once_ends_a_shadow(store):
    push_second(store, "data: p\nserve: {promote: after_shadow}\n")
    config = "data: p\nserve: {promote: at_once}\n"
    (store.root / "runs" / "run-1" / "config.yaml").write_text(config)
    assert not read_shadow_options(store, None, [], None).is_on


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("gate.max_drop=1", "takes keys of `serve` alone"),
        ("serve.shadow_pictures=0", "serve.shadow_pictures"),
        ("serve.promote=never", "serve.promote"),
        ("serve.max_disagreement=2", "serve.max_disagreement"),
    ],
)
def test_what_is_no_option_of_serving_is_refused(store, override, reason):
    with pytest.raises(InputError, match=reason):
        read_shadow_options(store, None, [override], None)
