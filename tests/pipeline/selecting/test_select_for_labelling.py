"""`carryover select` on a workspace with a tiny model."""

import shutil
from pathlib import Path

import pytest
import yaml
from retraining_site import RetrainingSite
from tiny_pictures import encode, photo, solid, write_files
from tiny_workspace import NAME, shade

from components.image_example_gen.splits import digest
from pipeline.config.run_config import RunConfig
from pipeline.inputs.folder import scan_folder
from pipeline.selecting.select_for_labelling import PictureSource, select_for_labelling
from pipeline.selecting.unlabelled_pictures import find_unlabelled
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.output_text.spreadsheet_csv import read_rows

pytestmark = pytest.mark.component


def shades(count: int, first: int = 0) -> dict[str, bytes]:
    """Different pictures of three classes, by name."""
    labels = ("red", "green", "blue")
    return {f"{n}.png": solid(shade(labels[n % 3], n)) for n in range(first, first + count)}


def unlabelled(folder: Path, domain: str, pictures: dict[str, bytes]) -> Path:
    return write_files(folder, {f"{domain}/_unlabelled/{n}": c for n, c in pictures.items()})


def write_config(site: RetrainingSite) -> None:
    """Write the config of a run, from which the options of retraining are read."""
    config = RunConfig(name=NAME, data="/data", workspace=site.workspace)
    values = config.model_dump(mode="json") | {"retrain": {"quiet_seconds": 60}}
    run = site.workspace / "runs" / "run 1"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump(values))


def rows_of(output: Path) -> list[dict[str, str]]:
    with (output / "selection.csv").open(newline="") as file:
        return list(read_rows(file))


def test_pictures_of_every_domain_are_chosen_and_what_is_left_out_is_counted(
    served, tmp_path, capsys
):
    data = unlabelled(tmp_path / "data", "fog", shades(20) | {"bad.png": b"x"})
    write_files(data, {f"fog/_unlabelled/bad{n:02}.png": b"x" for n in range(21)})
    unlabelled(data, "rain", shades(10, 20) | {"copy.png": shades(1)["0.png"]})
    write_files(data, {"fog/red/x.png": solid("red")})
    output = tmp_path / "out"
    select_for_labelling(served, None, PictureSource(data=data), 10, output, 17)
    rows = rows_of(output)
    assert sorted(row["domain"] for row in rows) == ["fog"] * 5 + ["rain"] * 5
    assert [row["why"] for row in rows].count("random") == 2
    for row in rows:
        assert (output / row["path"]).read_bytes() == Path(row["original"]).read_bytes()
        number = int(Path(row["path"]).stem)
        assert row["predicted"] == ("red", "green", "blue")[number % 3]
    printed = capsys.readouterr().out
    assert "Left out: 1 picture with a label." in printed
    assert "Left out: 1 picture with the content of another one." in printed
    assert "Left out: 22 unusable files:\n  fog/_unlabelled/bad.png: not a" in printed
    assert "\n  and 2 more\n" in printed
    assert printed.splitlines()[-2:] == [
        f"10 pictures to label: {output}",
        f"To label them: carryover label {output} --classes-from {served}",
    ]
    assert sorted(path.name for path in output.iterdir()) == [
        "contact-sheet.png",
        "fog",
        "label_studio.json",
        "label_studio.xml",
        "rain",
        "selection.csv",
    ]
    again = tmp_path / "again"
    again.mkdir()
    select_for_labelling(served, NAME, PictureSource(data=data), 10, again, 17)
    assert rows_of(again) == rows


def test_batches_of_the_inbox_and_of_the_workspace_are_read_with_the_config_of_retraining(
    site: RetrainingSite, tmp_path, capsys
):
    write_config(site)
    unlabelled(site.inbox / "one", "fog", shades(5))
    write_files(site.inbox / "one", {"_READY": b"", "fog/red/9.png": shades(1)["0.png"]})
    site.run()
    alike = {"20.png": encode(photo()), "21.jpg": encode(photo(), "JPEG")}
    unlabelled(site.inbox / "two", "fog", shades(5, 10) | alike)
    write_files(site.inbox / "two", {"_READY": b""})
    unlabelled(site.inbox / "late", "fog", shades(5, 30))
    shutil.rmtree(site.inbox / "one")
    output = tmp_path / "out"
    select_for_labelling(site.workspace, None, PictureSource(site.inbox), 100, output, 17)
    names = {Path(row["path"]).stem for row in rows_of(output)}
    assert len(names) == 10
    printed = capsys.readouterr().out
    assert "Batch late is left out: it is incomplete." in printed
    assert "1 picture whose label the serving version or a batch knows" in printed
    assert "Left out: 1 picture that looks like another one." in printed
    assert printed.splitlines()[-1] == (
        f"To label them: carryover label {output} --classes-from {site.workspace} --only-labelled"
        f" --output {site.inbox}/out-labels"
    )
    assert "There are fewer pictures than --count 100: 10 pictures are taken." in printed


def test_without_a_serving_version_the_command_is_refused(tmp_path):
    (tmp_path / "serving" / "colours").mkdir(parents=True)
    source = PictureSource(data=unlabelled(tmp_path / "data", "fog", shades(2)))
    with pytest.raises(InputError, match="there is no serving version"):
        select_for_labelling(tmp_path, None, source, 1, tmp_path / "out", 17)


def test_an_output_that_is_not_empty_is_refused_and_left_alone(served, tmp_path):
    write_files(tmp_path / "out", {"mine.txt": b"mine"})
    source = PictureSource(data=unlabelled(tmp_path / "data", "fog", shades(2)))
    with pytest.raises(InputError, match=r"--output .* is not empty"):
        select_for_labelling(served, None, source, 1, tmp_path / "out", 17)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("where", ["data/fog/out", "workspace/out", "_to_label"])
def test_an_output_with_a_reserved_name_among_pictures_or_in_the_workspace_is_refused(
    site, tmp_path, where
):
    source = PictureSource(data=unlabelled(tmp_path / "data", "fog", shades(2)))
    with pytest.raises(InputError, match=r"(Name another folder|Give another name)\."):
        select_for_labelling(site.workspace, None, source, 1, tmp_path / where, 17)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either --inbox DIR or --data DIR"),
        ({"inbox": Path("a"), "data": Path("b")}, "give either --inbox DIR or --data DIR"),
        ({"inbox": Path("a"), "domain": "fog"}, "--domain is for --data"),
        ({"data": Path("a"), "batch": "b"}, "--batch names a batch of --inbox"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(served, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        select_for_labelling(served, None, PictureSource(**options), 1, tmp_path / "out", 17)


def test_without_an_unlabelled_picture_the_error_says_where_they_belong(served, tmp_path):
    data = write_files(tmp_path / "data", {"fog/red/a.png": solid("red")})
    with pytest.raises(InputError, match=r"\(1 picture with a label\).*<domain>/_unlabelled/"):
        select_for_labelling(served, None, PictureSource(data=data), 1, tmp_path / "out", 17)
    assert not (tmp_path / "out").exists()


def test_a_failure_leaves_no_folder_behind(served, tmp_path, monkeypatch):
    data = unlabelled(tmp_path / "data", "fog", shades(3))

    def fail(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.picture_selection.selection_files.write_tasks", fail)
    with pytest.raises(InputError, match="No space left on device"):
        select_for_labelling(served, None, PictureSource(data=data), 2, tmp_path / "out", 17)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


@pytest.mark.parametrize("name", ["out.part", "out.part/mine.txt"])
def test_files_beside_the_output_are_never_replaced(served, tmp_path, name):
    write_files(tmp_path, {name: b"mine"})
    data = unlabelled(tmp_path / "data", "fog", shades(2))
    output = tmp_path / "out"
    select_for_labelling(served, None, PictureSource(data=data), 2, output, 17)
    assert (tmp_path / name).read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out", "out.part"]
    assert output.stat().st_mode == data.stat().st_mode


def test_pictures_whose_labels_are_all_known_are_counted_in_the_error(
    site: RetrainingSite, tmp_path, monkeypatch
):
    data = unlabelled(tmp_path / "data", "fog", shades(2))
    known = {digest(content) for content in shades(2).values()}
    monkeypatch.setattr("pipeline.selecting.select_for_labelling.known_contents", lambda *_: known)
    with pytest.raises(
        InputError, match=r"2 pictures whose label the serving version .* Put other"
    ):
        select_for_labelling(
            site.workspace, None, PictureSource(data=data), 1, tmp_path / "out", 17
        )


def test_domains_and_groups_of_a_manifest_stay_apart_in_a_batch_of_the_output(
    served, tmp_path, capsys
):
    domains = ["day/1", "day_1", ".night", "_to_label", "selection.csv"]
    write_files(tmp_path, shades(len(domains)))
    rows = [f"{n}.png,{name},_unlabelled,g{n},{n}" for n, name in enumerate(domains)]
    header = "path,domain,label,group,hour"
    (tmp_path / "list.csv").write_text("\n".join([header, *rows]))
    output = tmp_path / "out"
    source = PictureSource(data=tmp_path / "list.csv")
    select_for_labelling(served, None, source, 10, output, 17)
    listed: list[ListingRow] = []
    scan_folder(output, listed.append, slices=("hour",))
    found = {row["domain"]: row for row in listed if "reason" not in row}
    assert set(found) == set(domains)
    assert sorted(row["group"] for row in found.values()) == [f"g{n}" for n in range(5)]
    assert (found["day_1"]["group"], found["day_1"]["slices"]) == ("g1", {"hour": "1"})
    assert {row["domain"]: row["group"] for row in rows_of(output)}["day/1"] == "g0"
    printed = capsys.readouterr().out
    assert "Domain day/1 is in the folder day_1-" in printed
    assert printed.count(" is in the folder ") == 4
    again = find_unlabelled(output, None).pictures
    assert {picture.domain for picture in again} == set(domains)


def test_a_loop_of_links_is_no_data(served, tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    source = PictureSource(data=tmp_path / "loop")
    with pytest.raises(InputError, match="is no folder and no manifest"):
        select_for_labelling(served, None, source, 1, tmp_path / "out", 17)
    source = PictureSource(data=unlabelled(tmp_path / "data", "fog", shades(2)))
    with pytest.raises(InputError, match=r"--output .*loop"):
        select_for_labelling(served, None, source, 1, tmp_path / "loop", 17)


@pytest.mark.parametrize("place", ["data/to-label", "data/fog/to-label"])
def test_an_earlier_output_among_the_pictures_is_left_out(served, tmp_path, capsys, place):
    data = unlabelled(tmp_path / "data", "fog", shades(6))
    output = tmp_path / "out"
    select_for_labelling(served, None, PictureSource(data=data), 2, output, 17)
    output.rename(tmp_path / place)
    select_for_labelling(served, None, PictureSource(data=data), 9, output, 17)
    assert sorted(row["path"] for row in rows_of(output)) == [
        f"fog/_to_label/{number}.png" for number in range(6)
    ]
    name = place.removeprefix("data/")
    assert f"Folder {name} is left out: this command wrote it." in capsys.readouterr().out


def test_of_an_output_further_pictures_can_be_chosen(served, tmp_path):
    data = unlabelled(tmp_path / "data", "fog", shades(6))
    select_for_labelling(served, None, PictureSource(data=data), 6, tmp_path / "first", 17)
    output = tmp_path / "second"
    select_for_labelling(served, None, PictureSource(data=tmp_path / "first"), 9, output, 17)
    assert {row["path"] for row in rows_of(output)} == {
        f"fog/_to_label/{number}.png" for number in range(6)
    }


def test_a_copy_of_a_labelled_picture_is_not_chosen(served, tmp_path, capsys):
    pictures = shades(6)
    data = unlabelled(tmp_path / "data", "fog", pictures)
    write_files(data, {"fog/red/0.png": pictures["0.png"], "fog/red/gone.png": solid("red")})
    (data / "fog" / "red" / "gone.png").chmod(0)
    output = tmp_path / "out"
    select_for_labelling(served, None, PictureSource(data=data), 5, output, 17)
    assert sorted(row["path"] for row in rows_of(output)) == [
        f"fog/_to_label/{number}.png" for number in range(1, 6)
    ]
    assert "Left out: 2 pictures with a label." in capsys.readouterr().out


def test_a_copy_of_a_picture_in_a_labelled_batch_that_waits_is_not_chosen(site, tmp_path):
    write_config(site)
    pictures = shades(6)
    unlabelled(site.inbox / "monday", "fog", pictures)
    write_files(site.inbox / "monday", {"_READY": b""})
    write_files(site.inbox / "tuesday", {"fog/red/0.png": pictures["0.png"], "_READY": b""})
    output = tmp_path / "out"
    select_for_labelling(site.workspace, None, PictureSource(site.inbox), 5, output, 17)
    assert sorted(row["path"] for row in rows_of(output)) == [
        f"fog/_to_label/{number}.png" for number in range(1, 6)
    ]
