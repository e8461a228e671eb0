import os

import pytest
from tiny_pictures import solid, write_files

from pipeline.labelling.picture_list import list_pictures
from trainer_module.contract.errors import InputError

PICTURE = solid("red")


def listed(folder, domain=None):
    """Domain, class and inner path of every picture, by its path."""
    pictures = list_pictures(folder.resolve(), domain).pictures.values()
    return {one.path: (one.domain, one.label, one.inner) for one in pictures}


def test_every_place_of_a_picture_below_its_domain_is_known(tmp_path):
    paths = ["fog/_to_label/a/1.png", "fog/_unlabelled/2.png", "fog/3.png", "fog/cat/b/4.png"]
    write_files(tmp_path, dict.fromkeys(paths, PICTURE) | {"_READY": b"", "fog/.hidden": b""})
    assert listed(tmp_path) == {
        "fog/_to_label/a/1.png": ("fog", "", "a/1.png"),
        "fog/_unlabelled/2.png": ("fog", "", "2.png"),
        "fog/3.png": ("fog", "", "3.png"),
        "fog/cat/b/4.png": ("fog", "cat", "b/4.png"),
    }


def test_the_domain_of_pictures_without_folders_is_an_option(tmp_path):
    write_files(tmp_path, {"1.png": PICTURE, "_to_label/2.png": PICTURE, "cat/3.png": PICTURE})
    assert listed(tmp_path, "fog") == {
        "1.png": ("fog", "", "1.png"),
        "_to_label/2.png": ("fog", "", "2.png"),
        "cat/3.png": ("fog", "cat", "3.png"),
    }


@pytest.mark.parametrize(
    ("path", "domain", "message"),
    [
        ("1.png", None, r"in no folder of a domain.*--domain NAME"),
        ("_to_label/1.png", None, r"it is the folder of one domain.*--domain NAME"),
        ("fog/_to_label/1.png", "fog", r"its folders name the domains. Leave --domain out"),
        ("fog/.1.png", None, r"holds no pictures to label"),
    ],
)
def test_a_folder_that_means_something_else_is_refused(tmp_path, path, domain, message):
    write_files(tmp_path, {path: PICTURE})
    with pytest.raises(InputError, match=message):
        list_pictures(tmp_path, domain)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        list_pictures(tmp_path / "missing")


def test_files_are_left_out_with_the_reason_but_for_those_that_select_writes(tmp_path):
    own = {"selection.csv": b"", "contact-sheet.png": PICTURE, "label_studio.json": b""}
    write_files(tmp_path, {"fog/1.png": PICTURE, "notes.txt": b"", **own})
    os.mkfifo(tmp_path / "fog" / "pipe")
    (tmp_path / os.fsdecode(b"\xff")).mkdir()
    write_files(tmp_path, {os.fsdecode(b"\xff/2.png"): PICTURE})
    found = list_pictures(tmp_path)
    assert [one.path for one in found.pictures.values()] == ["fog/1.png"]
    assert found.left_out == {
        "fog/pipe": "not a regular file",
        "notes.txt": "not in the folder of a domain",
        os.fsdecode(b"\xff/2.png"): "domain or class is not named in UTF-8",
    }


def test_a_folder_below_that_select_wrote_is_left_out_as_a_whole(tmp_path):
    names = ["label_studio.json", "selection.csv", "contact-sheet.png", "fog/_to_label/1.png"]
    write_files(tmp_path, {f"chosen/{name}": PICTURE for name in names})
    with pytest.raises(InputError, match=rf"has copied\. Give their folder: {tmp_path}/chosen$"):
        list_pictures(tmp_path)
    write_files(tmp_path, {"fog/1.png": PICTURE, "rain/selection.csv": b"", "rain/2.png": PICTURE})
    found = list_pictures(tmp_path)
    paths = [one.path for one in found.pictures.values()]
    assert paths == ["fog/1.png", "rain/2.png", "rain/selection.csv"]
    assert found.left_out == {"chosen": "`carryover select` wrote it; label it by itself"}


def test_all_columns_of_a_sidecar_are_kept(tmp_path):
    write_files(tmp_path, {"fog/_to_label/1.png": PICTURE})
    (tmp_path / "sidecar.csv").write_text(
        "path;group;split;Site;label\nfog/_to_label/1.png;car 7;test;Oslo;\n"
    )
    [picture] = list_pictures(tmp_path).pictures.values()
    assert picture.columns == {"group": "car 7", "split": "test", "site": "Oslo"}


def test_chosen_pictures_come_first_then_those_without_a_label(tmp_path):
    chosen = [f"fog/_to_label/{n:02d}.png" for n in range(30)]
    others = [f"fog/{n:02d}.png" for n in range(15)]
    others += [f"fog/_unlabelled/{n:02d}.png" for n in range(15)]
    labelled = [f"fog/{name}/{n}.png" for name in ("Ant", "cat") for n in range(5)]
    write_files(tmp_path, dict.fromkeys(labelled + chosen + others, PICTURE))
    paths = [one.path for one in list_pictures(tmp_path).pictures.values()]
    assert sorted(paths[:30]) == chosen
    assert sorted(paths[30:60]) == sorted(others)
    assert paths[60:] == labelled


@pytest.mark.parametrize("folder", ["fog/_to_label", "fog/_unlabelled", "fog"])
def test_the_first_pictures_are_a_sample_of_all_and_stay_the_same(tmp_path, folder):
    names = [f"{folder}/{kind}-{n:03d}.png" for kind in "abcd" for n in range(25)]
    paths = []
    for copy in ("first", "second"):
        write_files(tmp_path / copy, dict.fromkeys(names, PICTURE))
        listed = list_pictures(tmp_path / copy).pictures.values()
        paths.append([one.path for one in listed])
    assert paths[0] == paths[1]
    kinds = [path.removeprefix(f"{folder}/")[0] for path in paths[0][:20]]
    # In the order of names, all twenty would be of the first kind.
    assert max(kinds.count(kind) for kind in "abcd") <= 10
    assert set(kinds) == set("abcd")


def test_a_sidecar_that_names_another_domain_than_the_folder_is_refused(tmp_path):
    write_files(tmp_path, {"fog/_to_label/1.png": PICTURE})
    (tmp_path / "sidecar.csv").write_text("path,domain\nfog/_to_label/1.png,rain\n")
    with pytest.raises(InputError, match=r"domain of fog/_to_label/1\.png is fog, .*: rain"):
        list_pictures(tmp_path)
