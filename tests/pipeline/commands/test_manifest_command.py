"""`carryover manifest`, and the options about the layout of the commands that read data."""

import json
import sys

import pytest
from tiny_annotations import coco, pictures
from tiny_pictures import write_files

from pipeline import cli, cross_validation
from pipeline.inputs.layouts.layout import run_layout
from pipeline.inspecting import inspection
from pipeline.running import local_run
from pipeline.tuning import option_search


@pytest.fixture(name="carryover")
def _carryover(tmp_path, monkeypatch, capsys):
    """Calls the command in an empty folder; returns the exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["carryover", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        output = capsys.readouterr()
        return ended.value.code, output.out, output.err

    return call


#: The documented command.
MANIFEST = ("manifest", "my-export", "--domain", "factory", "--output", "my-pictures.csv")


def test_the_manifest_of_an_export_is_written_with_its_numbers(carryover, tmp_path):
    labels = {"a.jpg": ["cat"], "b.jpg": ["dog"], "c.jpg": ["dog"]}
    write_files(
        tmp_path / "my-export", {"_annotations.coco.json": coco(labels), **pictures(*labels)}
    )
    code, out, err = carryover(*MANIFEST)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "domains: 'factory' 3",
        "classes: 'cat' 1 and 'dog' 2",
        "manifest: my-pictures.csv (3 pictures)",
    ]
    assert (tmp_path / "my-pictures.csv").read_text().splitlines() == [
        "path,domain,label,split",
        "my-export/a.jpg,factory,cat,",
        "my-export/b.jpg,factory,dog,",
        "my-export/c.jpg,factory,dog,",
    ]


def test_skipped_pictures_are_named_with_exit_code_2(carryover, tmp_path):
    labels = {"a.jpg": ["cat"], "b.jpg": ["dog", "cat"]}
    write_files(tmp_path / "my-export", {"a.json": coco(labels), **pictures(*labels)})
    code, out, _ = carryover(*MANIFEST)
    assert code == 2
    assert out.splitlines()[:2] == [
        "skipped: 'b.jpg': it has several labels: 'cat' and 'dog'",
        "1 of 2 pictures skipped; all are listed in my-pictures.skipped.csv",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--output", "a.csv"], "export nowhere does not exist."),
        (["my-export", "--output", "a.parquet"], "--output a.parquet must end in .csv."),
        (["my-export", "--output", "a.csv"], "Give --domain NAME"),
        (["my-export", "--output", "a.csv", "--layout", "label"], "--layout must be auto, or name"),
        (["my-export", "--output", "a.csv", "--images", "nope"], "--images nope does not exist."),
        (["my-export", "--output", "a.csv", "--images", "a.json"], "is a file, no folder. Give"),
        (["my-export", "--output", "a.json/a.csv", "--domain", "x"], "Name another file."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_with_exit_code_2(carryover, tmp_path, arguments, message):
    write_files(tmp_path / "my-export", {"a.json": coco({"a.jpg": ["cat"]}), **pictures("a.jpg")})
    (tmp_path / "a.json").write_text(json.dumps({}))
    code, out, err = carryover("manifest", *arguments)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize(
    ("command", "module", "function"),
    [
        ("run", local_run, "run_pipeline"),
        ("inspect", inspection, "inspect_data"),
        ("crossval", cross_validation, "cross_validate_data"),
        ("tune", option_search, "search_options"),
    ],
)
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--domain", "factory"], ("auto", "factory")),
        (["--layout", "split/class", "--domain", "x"], ("split/class", "x")),
        (["--set", "layout=domain/class"], ("domain/class", None)),
        (["--set", "domain=a b"], ("auto", "a b")),
        (["--set", "layout=class", "--layout", "domain/class"], ("domain/class", None)),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_layout_and_domain_reach_the_commands(
    carryover, monkeypatch, command, module, function, options, expected
):
    configs = []

    def remember(config, *_):
        configs.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, function, remember)
    carryover(command, "--data", "pictures", *options)
    [config] = configs
    layout = run_layout(config)
    assert (layout.layout, layout.domain) == expected


@pytest.mark.parametrize(
    "options", [["--layout", "x"], ["--set", "layout=domain"], ["--domain", ""]]
)
def test_a_wrong_layout_or_domain_is_one_line_with_exit_code_2(carryover, options):
    code, out, err = carryover("run", "--data", "pictures", *options)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert f"config key '{'domain' if '--domain' in options else 'layout'}': must " in err


@pytest.mark.parametrize("option", ["--layout", "--domain"])
def test_resume_takes_neither(carryover, option):
    code, _, err = carryover("run", "--resume", "--workspace", "w", option, "class")
    assert code == 2
    assert "--resume takes --workspace DIR and no other option." in err
