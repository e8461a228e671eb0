import csv
from pathlib import Path

import hide_labels
from tiny_pictures import solid, write_files


def test_some_pictures_of_every_class_keep_their_label_and_all_keep_their_group(tmp_path):
    names = [f"fog/{label}/{label}{n}.png" for label in ("car", "dog") for n in range(5)]
    table = "path,group\n" + "".join(f"{name},group {name[-5]}\n" for name in names)
    files = {name: solid("red") for name in names} | {"sidecar.csv": table.encode()}
    batch, copy = write_files(tmp_path / "batch", files), tmp_path / "copy"
    assert hide_labels.main([str(batch), str(copy), "--per-class", "2"]) == 0
    found = sorted(path.relative_to(copy).as_posix() for path in copy.glob("*/*/*"))
    labels = [Path(name).parent.name for name in found]
    assert (labels.count("car"), labels.count("dog"), labels.count("_unlabelled")) == (2, 2, 6)
    assert (copy / "_READY").exists()
    with (copy / "sidecar.csv").open(newline="") as file:
        groups = {row["path"]: row["group"] for row in csv.DictReader(file)}
    assert groups == {name: f"group {name[-5]}" for name in found}


def test_another_seed_draws_other_pictures_and_replaces_the_copy(tmp_path):
    batch = write_files(tmp_path / "batch", {f"fog/car/{n}.png": solid("red") for n in range(40)})
    drawn = []
    for seed in (1, 1, 2):
        hide_labels.hide_labels(batch, tmp_path / "copy", 20, seed)
        drawn.append({path.name for path in (tmp_path / "copy" / "fog" / "car").iterdir()})
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(names) for names in drawn] == [20, 20, 20]


def test_a_folder_without_pictures_is_refused(tmp_path, capsys):
    assert hide_labels.main([str(tmp_path), str(tmp_path / "copy")]) == 2
    assert "has no <domain>/<class>/<picture>" in capsys.readouterr().err
    assert not (tmp_path / "copy").exists()
