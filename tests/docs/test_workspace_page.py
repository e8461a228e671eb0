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


def test_cleaning_has_a_row_for_everything_in_a_workspace():
    tree = WORKSPACE.text.partition("my-workspace/\n")[2].partition("```")[0]
    names = [line.split()[0].partition("/")[0] for line in tree.splitlines()]
    assert {"serving", "batches", "removed_versions", "metadata.sqlite"} <= set(names)
    section = WORKSPACE.text.partition("## Cleaning\n")[2].partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    rows = " ".join(first_cells)
    assert [name for name in names if f"`{name}" not in rows] == []
