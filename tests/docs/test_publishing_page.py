"""docs/publishing.md shows what the commands print and write."""

import re

from documentation import page
from served_versions import serve_version
from unpacked_bundles import unpack

from pipeline.config.parsing.yaml_parser import parse_yaml
from pipeline.config.publish_options import PublishOptions
from pipeline.publishing.bundle import bundle
from pipeline.publishing.mlflow_target import ALIAS, MlflowTarget, version_tags
from pipeline.publishing.publishing import publish
from pipeline.publishing.served_version import read_served_version

PAGE = page("docs/publishing.md")


def test_the_output_of_a_bundle_is_that_of_the_command(tmp_path, capsys):
    bundle(serve_version(tmp_path / "workspace").root, None, None, tmp_path)
    printed = capsys.readouterr().out.replace(str(tmp_path), "my-bundles")
    same = printed.replace("pets-1", "emoji-2").replace("version 1", "version 2")
    assert _without_digest(same) == _without_digest(PAGE.blocks("")[0])


def test_the_contents_of_a_bundle_are_listed(tmp_path):
    bundle(serve_version(tmp_path / "workspace").root, None, None, tmp_path)
    inner = unpack(tmp_path / "pets-1.tar", tmp_path / "unpacked")
    listed = {span.split("/")[0] for span in PAGE.inline_code()}
    assert {path.name for path in inner.iterdir()} <= listed
    assert {path.name for path in inner.glob("runs/*/*")} <= set(PAGE.inline_code())


def test_the_output_of_publishing_is_that_of_the_targets(tmp_path):
    serve_version(tmp_path / "workspace")
    store = serve_version(tmp_path / "workspace", 2)
    lines: list[str] = []
    publish(PublishOptions(bundles=tmp_path / "my-bundles"), store, lines.append)
    told = [line.replace(f"{tmp_path}/", "") for line in lines]
    assert told == PAGE.blocks("")[1].splitlines()[:1]
    assert (
        PAGE.blocks("")[1].splitlines()[1].startswith(MlflowTarget("http://mlflow:5000", "m").name)
    )


def test_the_keys_are_those_of_the_config():
    [block] = PAGE.blocks("yaml")
    given = parse_yaml(block.encode()).value["publish"]
    assert set(given) == set(PublishOptions.model_fields)
    PublishOptions.model_validate(given)


def test_tags_in_mlflow_are_those_of_the_code(tmp_path):
    serve_version(tmp_path)
    version = read_served_version(serve_version(tmp_path, 2, batch="digest"))
    tags = {one for one in version_tags(version) if "/" not in one} - {"carryover.pushed_at"}
    [row] = [line for line in PAGE.text.splitlines() if line.startswith("| tags of a version")]
    assert tags == set(re.findall(r"`(carryover\.\w+)`", row))
    assert f"alias `{ALIAS}`" in PAGE.text


def _without_digest(text: str) -> str:
    return re.sub(r"[0-9a-f]{64}", "...", text)
