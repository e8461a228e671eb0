"""What a pass publishes at its end, and that a target that fails changes nothing else."""

import json
import shutil

import pytest
from retraining_site import PUSHED, RUN_FAILED, WRONG, Pipeline
from served_versions import DESCRIPTION
from tiny_models import LABELS
from tiny_workspace import push_copy, write_colours

from trainer_module.contract.model_assets import DESCRIPTION as DESCRIPTION_FILE

pytestmark = pytest.mark.component


@pytest.fixture(name="site")
def _described_site(site):
    """Versions whose models are described as real ones are: a bundle has a model card."""
    model = site.workspace / "model"
    (model / DESCRIPTION_FILE).write_text(json.dumps(DESCRIPTION | {"labels": LABELS}))
    shutil.rmtree(site.store.path(1))
    site.store.root.joinpath(f".highest-version-{site.store.name}").unlink()
    push_copy(site.store, model, "run 1")
    return site


def wait_ten_minutes(states):
    """Do as if the failures in a file were older."""
    content = json.loads(states.read_text())
    for state in content.values():
        state["failed_at"] -= 601
    states.write_text(json.dumps(content))


def publish_to(folder):
    return {"publish": {"bundles": folder}}


def test_a_pass_publishes_the_version_that_it_pushed(site, tmp_path):
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(Pipeline(PUSHED), settings=publish_to(tmp_path / "out")) == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("*.tar")) == [
        "colours-1.tar",
        "colours-2.tar",
    ]
    assert "out: published versions 1 and 2" in site.output


def test_a_failed_target_undoes_nothing_and_a_later_pass_tries_it_again(site, tmp_path):
    (tmp_path / "out").write_text("a file is in the way")
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(Pipeline(PUSHED), settings=publish_to(tmp_path / "out")) == 0
    assert site.states() == ["pushed"]
    assert site.store.versions() == [1, 2]
    assert "out: not published: output folder" in site.output
    (tmp_path / "out").unlink()
    assert site.run(settings=publish_to(tmp_path / "out")) == 0
    assert "out: not published, as it failed just now" in site.output
    wait_ten_minutes(site.workspace / "published.json")
    assert site.run(settings=publish_to(tmp_path / "out")) == 0
    assert len(list((tmp_path / "out").glob("*.tar"))) == 2


def test_a_pass_whose_run_fails_publishes_what_an_earlier_one_left(site, tmp_path):
    write_colours(site.inbox / "monday", "night", WRONG)
    assert site.run(Pipeline(RUN_FAILED), settings=publish_to(tmp_path / "out")) == 1
    assert [path.name for path in (tmp_path / "out").glob("*.tar")] == ["colours-1.tar"]
