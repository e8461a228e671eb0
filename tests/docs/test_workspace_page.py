"""docs/workspace.md names every field of summary.json and every file of a version."""

from documentation import page

from pipeline.summary.summary_schema import Domain, Images, Summary
from trainer_module.contract import model_assets

WORKSPACE = page("docs/workspace.md")


def test_every_field_of_a_summary_is_listed():
    named = set(WORKSPACE.inline_code())
    for schema in (Summary, Images, Domain):
        assert set(schema.model_fields) <= named


def test_every_file_of_a_version_is_listed():
    paths = [value for name, value in vars(model_assets).items() if name.isupper()]
    files = {path.removeprefix(f"{model_assets.EXTRA}/") for path in paths} - {model_assets.EXTRA}
    assert {"model.json", "push.json"} <= files
    assert all(f"`{name}" in WORKSPACE.text for name in files)
