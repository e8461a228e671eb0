"""The folder of chosen pictures: copies with names of their own, a table and a contact sheet."""

import csv
from pathlib import Path

import pytest
from PIL import Image
from tiny_pictures import solid, write_files

from pipeline.picture_selection.selection import Choice
from pipeline.picture_selection.selection_files import write_selection
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.spreadsheet_csv import read_rows

pytestmark = pytest.mark.component


def choice(path: Path, name: str, domain: str = "fog", label: str = "red") -> Choice:
    return Choice(UnlabelledPicture(str(path), name, domain), "diverse", label, 0.75)


def write(choices: list[Choice], folder: Path) -> Path:
    folder.mkdir()
    write_selection(choices, ["red", "green"], "colours 1", folder, folder)
    return folder


def test_pictures_are_copied_under_different_names_and_the_originals_stay(tmp_path):
    files = {"one/a.png": solid("red"), "two/a.png": solid("blue"), "b.png": solid("lime")}
    write_files(tmp_path / "in", files)
    (tmp_path / "in" / "b.png").chmod(0o400)
    before = {name: (tmp_path / "in" / name).stat() for name in files}
    output = write([choice(tmp_path / "in" / name, name) for name in files], tmp_path / "out")
    copies = sorted((output / "fog" / "_to_label").iterdir())
    assert {copy.read_bytes() for copy in copies} == set(files.values())
    assert copies[-1].name == "b.png"
    assert copies[-1].stat().st_mode & 0o777 == 0o600
    for name, status in before.items():
        after = (tmp_path / "in" / name).stat()
        assert (after.st_mtime_ns, after.st_nlink, after.st_mode) == (
            (status.st_mtime_ns, 1, status.st_mode)
        )


def test_the_table_is_safe_in_a_spreadsheet_and_names_copy_and_original(tmp_path):
    write_files(tmp_path / "in", {"a.png": solid("red")})
    chosen = [choice(tmp_path / "in" / "a.png", "a.png", domain="=1+1", label="@red")]
    output = write(chosen, tmp_path / "out")
    text = (output / "selection.csv").read_text()
    assert "'=1+1" in text and "'@red" in text
    [row] = read_rows(text.splitlines())
    assert row == {
        "path": "=1+1/_to_label/a.png",
        "domain": "=1+1",
        "why": "diverse",
        "predicted": "@red",
        "confidence": "0.7500",
        "original": str(tmp_path / "in" / "a.png"),
    }
    assert (output / row["path"]).is_file()


@pytest.mark.parametrize("domain", ["../../up", "..", "/absolute", "x" * 250])
def test_no_name_of_a_domain_leads_out_of_the_folder(tmp_path, domain):
    write_files(tmp_path / "in", {"a.png": solid("red")})
    output = write([choice(tmp_path / "in" / "a.png", "a.png", domain)], tmp_path / "out")
    [row] = csv.DictReader((output / "selection.csv").read_text().splitlines())
    assert (output / row["path"]).resolve().is_relative_to(output)
    assert row["domain"].lstrip("'") == domain


def test_long_names_are_shortened(tmp_path):
    name = f"{'n' * 250}.png"
    for folder, colour in (("one", "red"), ("two", "lime")):
        write_files(tmp_path / folder, {name: solid(colour)})
    chosen = [choice(tmp_path / folder / name, name) for folder in ("one", "two")]
    output = write(chosen, tmp_path / "out")
    copies = list((output / "fog" / "_to_label").iterdir())
    assert len(copies) == 2
    assert {copy.suffix for copy in copies} == {".png"}


def test_the_contact_sheet_shows_the_pictures_by_domain_and_predicted_class(tmp_path):
    write_files(tmp_path / "in", {"a.png": solid("red"), "b.png": solid("lime")})
    chosen = [
        choice(tmp_path / "in" / "a.png", "a.png", label="red"),
        choice(tmp_path / "in" / "b.png", "b.png", label="green"),
    ]
    output = write(chosen, tmp_path / "out")
    with Image.open(output / "contact-sheet.png") as sheet:
        found = {colour for _, colour in sheet.getcolors(100_000)}
    assert {(255, 0, 0), (0, 255, 0)} <= found


def test_a_picture_that_was_removed_in_the_meantime_is_named(tmp_path):
    with pytest.raises(InputError, match=r"picture a\.png: cannot be opened: .* Run the command"):
        write([choice(tmp_path / "gone.png", "a.png")], tmp_path / "out")
