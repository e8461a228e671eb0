"""Predictions of a SavedModel that can be worked out by hand."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from memory_file_system import MemoryFileSystem
from tiny_models import ColourModel, save_model
from tiny_pictures import solid, write_files
from tiny_tiff import tiff_of

from components.pusher.version_store import Push, VersionStore
from pipeline.inputs.layouts.layout import LayoutOptions, layout_options
from pipeline.predicting import prediction
from pipeline.predicting.prediction import predict_images
from pipeline.predicting.prediction_output import CsvOutput, JsonOutput
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component

PUSH = Push("digest", "run", "key", None, "2024-01-01T00:00:00+00:00", {})


@pytest.fixture(name="workspace", scope="module")
def _workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prediction")
    store = VersionStore(folder / "workspace", "colours")
    for labels in (("red", "green"), ("red", "green", "blue")):
        store.push(save_model(folder / str(len(labels)), ColourModel(labels)), PUSH)
    return store.root


def test_the_newest_version_predicts_label_and_confidence(workspace, tmp_path, capsys):
    write_files(tmp_path, {"[a].png": solid("blue"), "b.png": solid((150, 50, 0))})
    paths = [tmp_path / "[a].png", tmp_path / "b.png"]
    assert predict_images(paths, workspace, None) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{paths[0]}  blue  1.000  novelty not known",
        f"{paths[1]}  red  0.750  novelty not known",
    ]


def test_more_pictures_than_a_batch_keep_their_order(workspace, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(prediction, "BATCH_SIZE", 2)
    colours = ["red", "blue", "lime", "blue", "red"]
    files = {f"{n}.png": solid(colour) for n, colour in enumerate(colours)}
    write_files(tmp_path, files)
    predict_images([tmp_path / name for name in files], workspace, None)
    labels = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert labels == ["red", "blue", "green", "blue", "red"]


def test_an_unreadable_picture_is_printed_with_the_reason_and_the_others_are_classified(
    workspace, tmp_path, capsys
):
    write_files(tmp_path, {"good.png": solid("red"), "bad.png": b"hello"})
    paths = [tmp_path / name for name in ("gone.png", "good.png", "bad.png")]
    assert predict_images(paths, workspace, None) == 2
    output = capsys.readouterr()
    assert output.out.splitlines() == [f"{paths[1]}  red  1.000  novelty not known"]
    assert output.err.splitlines() == [
        f"{paths[0]}: cannot be opened: No such file or directory",
        f"{paths[2]}: not a picture in a known format",
    ]


def test_what_libtiff_prints_about_a_damaged_picture_is_not_shown(workspace, tmp_path, capfd):
    content = bytearray(tiff_of(np.zeros((8, 8), np.uint8), deflate=True))
    content[10:14] = b"\xff" * 4  # in the compressed pixels
    write_files(tmp_path, {"bad.tif": bytes(content)})
    assert predict_images([tmp_path / "bad.tif"], workspace, None) == 2
    assert capfd.readouterr().err == f"{tmp_path / 'bad.tif'}: damaged: decoder error -2\n"


def test_formats_that_tensorflow_cannot_decode_are_classified_too(workspace, tmp_path, capsys):
    path = tmp_path / "a.webp"
    path.write_bytes(solid("blue", form="WEBP"))
    assert predict_images([path], workspace, None) == 0
    assert " blue " in capsys.readouterr().out


def test_without_a_serving_version_nothing_is_predicted(tmp_path):
    (tmp_path / "serving" / "colours").mkdir(parents=True)
    with pytest.raises(InputError, match=r"there is no serving version in .*Run: carryover run"):
        predict_images([tmp_path / "a.png"], tmp_path, None)


def test_a_pattern_without_a_match_is_reported_like_a_missing_file(workspace, tmp_path, capsys):
    assert predict_images([tmp_path / "*.png"], workspace, None) == 2
    assert "*.png: cannot be opened" in capsys.readouterr().err


def test_an_empty_folder_is_refused(workspace, tmp_path):
    with pytest.raises(InputError, match="no pictures in"):
        predict_images([tmp_path], workspace, None)


def test_unreadable_files_of_a_folder_are_counted(workspace, tmp_path, capsys):
    write_files(tmp_path, {"a.png": solid("red"), "b.png": b"hello"})
    assert predict_images([tmp_path], workspace, None) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path}/b.png: not a picture in a known format",
        "1 of 2 files could not be read",
    ]


def test_csv_has_a_row_per_file(workspace, tmp_path, capsys):
    write_files(tmp_path, {'a, "b".png': solid((150, 50, 0)), "c.png": b"hello"})
    assert predict_images([tmp_path], workspace, None, CsvOutput) == 2
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [
        ["path", "label", "confidence", "reason", "novelty", "accepted"],
        [f'{tmp_path}/a, "b".png', "red", "0.75", "", "", ""],
        [f"{tmp_path}/c.png", "", "", "not a picture in a known format", "", ""],
    ]


def test_json_has_a_line_per_file(workspace, tmp_path, capsys):
    write_files(tmp_path, {"a.png": solid((150, 50, 0)), "c.png": b"hello"})
    assert predict_images([tmp_path], workspace, None, JsonOutput) == 2
    assert list(map(json.loads, capsys.readouterr().out.splitlines())) == [
        {
            "path": f"{tmp_path}/a.png",
            "label": "red",
            "confidence": 0.75,
            "novelty": None,
            "accepted": None,
        },
        {"path": f"{tmp_path}/c.png", "reason": "not a picture in a known format"},
    ]


def labelled(folder: Path) -> Path:
    """Write two domains: one without mistakes, one with a mistake and a class the model lacks."""
    pictures = {
        "day/red/1.png": "red",
        "day/blue/1.png": "blue",
        "night/red/1.png": "red",
        "night/red/2.png": "blue",
        "night/cat/1.png": "red",
    }
    return write_files(folder, {name: solid(colour) for name, colour in pictures.items()})


def test_the_domain_report_counts_unknown_classes_as_wrong(workspace, tmp_path, capsys):
    folder = labelled(tmp_path)
    assert predict_images([folder], workspace, None, domain_report=LayoutOptions()) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["day", "2", "1.000"] in rows
    assert ["night", "3", "0.333"] in rows
    assert ["mean", "5", "0.667"] in rows


def test_the_domain_report_is_not_mixed_with_json(workspace, tmp_path, capsys):
    predict_images([labelled(tmp_path)], workspace, None, JsonOutput, domain_report=LayoutOptions())
    output = capsys.readouterr()
    assert len(list(map(json.loads, output.out.splitlines()))) == 5
    assert "night" in output.err


def test_a_domain_report_of_pictures_without_classes_is_refused(workspace, tmp_path):
    write_files(tmp_path, {"a.png": solid("red")})
    with pytest.raises(InputError, match="<domain>/<class>/<picture>"):
        predict_images([tmp_path], workspace, None, domain_report=LayoutOptions())


def test_a_hint_is_printed_if_the_folders_are_not_classes(workspace, tmp_path, capsys):
    hint = "No folder is named like a predicted class."
    predict_images([labelled(tmp_path / "a")], workspace, None, domain_report=LayoutOptions())
    assert hint not in capsys.readouterr().out
    write_files(tmp_path, {"b/red/deep/1.png": solid("red"), "b/blue/deeper/1.png": solid("red")})
    predict_images([tmp_path / "b"], workspace, None, domain_report=LayoutOptions())
    assert hint in capsys.readouterr().out


#: Layout -> pictures of `labelled` and other files, with the options for them.
LAYOUTS = {
    "splits on top": ("{split}/{domain}/{label}/{file}", {}),
    "splits below": ("{domain}/{split}/{label}/{file}", {}),
    "a folder between": ("{domain}/images/{label}/{file}", {}),
    "given": ("{domain}/{split}x/{label}/{file}", {"layout": "domain/*/class"}),
    "classes on top": ("{label}/{domain}/{file}", {"layout": "class/domain"}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_domain_report_reads_every_layout_that_run_reads(workspace, tmp_path, capsys, name):
    pattern, options = LAYOUTS[name]
    pictures = ["day red red", "day blue blue", "night red red"]
    pictures += ["night red blue", "night blue red", "night blue red"]
    for number, words in enumerate(pictures):
        domain, label, colour = words.split()
        split = ("train", "test")[number % 2]
        path = pattern.format(domain=domain, label=label, split=split, file=f"{number}.png")
        write_files(tmp_path, {path: solid(colour)})
    report = layout_options(options.get("layout"), None, data_option="")
    assert predict_images([tmp_path], workspace, None, domain_report=report) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["day", "2", "1.000"] in rows
    assert ["night", "4", "0.250"] in rows


def test_the_domain_report_of_classes_alone_asks_for_the_domain_and_takes_it(
    workspace, tmp_path, capsys
):
    write_files(tmp_path, {"red/1.png": solid("red"), "blue/1.png": solid("red")})
    with pytest.raises(InputError, match=r"no folder names the domain.*Give --domain NAME"):
        predict_images([tmp_path], workspace, None, domain_report=layout_options(None, None, ""))
    given = layout_options(None, "dusk", "")
    assert predict_images([tmp_path], workspace, None, domain_report=given) == 0
    assert ["dusk", "2", "0.500"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_the_domain_report_of_a_folder_around_the_domains_names_the_argument_to_give(
    workspace, tmp_path
):
    for number, label in enumerate(("red", "blue")):
        write_files(tmp_path, {f"v1/{d}/{label}/{number}.png": solid(label) for d in ("a", "b")})
    with pytest.raises(InputError) as error:
        predict_images([tmp_path], workspace, None, domain_report=layout_options(None, None, ""))
    assert f". Give {tmp_path}/v1 (domains 'a' and 'b'; classes 'blue' and 'red'), or" in str(
        error.value
    )


@pytest.mark.parametrize("with_report", [True, False])
def test_a_manifest_names_pictures_domains_and_classes(workspace, tmp_path, capsys, with_report):
    folder = labelled(tmp_path / "pictures")
    rows = [
        "pictures/day/red/1.png;dusk;red",
        f"{folder}/day/blue/1.png;dusk;red",
        "pictures/gone.png;dusk;red",
    ]
    (tmp_path / "list.csv").write_text("\n".join(["path;domain;label", *rows]))
    report = LayoutOptions() if with_report else None
    code = predict_images([tmp_path / "list.csv"], workspace, None, domain_report=report)
    output = capsys.readouterr()
    assert code == 2
    assert f"{folder}/day/red/1.png  red  " in output.out
    assert f"{folder}/gone.png: " in output.err
    assert ("dusk" in output.out) == with_report
    if with_report:
        assert ["dusk", "2", "0.500"] in [line.split() for line in output.out.splitlines()]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "path,domain,label\n"])
def test_a_manifest_that_is_none_stops_with_its_name(workspace, tmp_path, text):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(InputError, match=r"list\.csv"):
        predict_images([tmp_path / "list.csv"], workspace, None)


def test_a_picture_on_a_store_is_named_and_the_others_are_classified(
    workspace, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(MemoryFileSystem, "files", {"memory://bucket/1.png": solid("red")})
    write_files(tmp_path, {"1.png": solid("red")})
    rows = "path,domain,label\nmemory://bucket/1.png,day,red\n1.png,day,red\n"
    (tmp_path / "list.csv").write_text(rows)
    assert predict_images([tmp_path / "list.csv"], workspace, None, CsvOutput) == 2
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[1][3].startswith("on a store; predict reads local files")
    assert rows[2][1] == "red"
