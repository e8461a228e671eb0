"""Every command of README.md and docs/ works, on a small workspace, in the order of the pages."""

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import warm_process
from command import SHAPES, drawn, save
from documentation import page, pages
from repository import ROOT
from tiny_annotations import coco, pictures, task
from tiny_pictures import write_files

pytestmark = pytest.mark.slow

#: Commands that run elsewhere or cannot run here, by what is in their line, its end included.
LEFT_OUT = {
    "--inbox my-inbox\n": "test_retrain.py retrains; here it is only foreseen, by --dry-run",
    "run --config configs/emoji.yaml": "what `make run` does; the gate runs that",
    "run --data ": "the command that made the workspace, see `finished` in conftest.py",
    "kubeflow.yaml": "tests/pipeline/kubeflow/test_guide.py runs the commands of docs/kubeflow.md",
    "submit ": "the same",
    "PACS": "research data, which is not part of the repository",
    "serve ": "runs until it is stopped; test_serve.py starts it",
    "--watch": "the same; test_new_domain.py and test_serve_monitored.py look once",
    "label my-pictures": "the same; tests/pipeline/labelling starts its server",
    "label my-inbox": "the same; test_new_domain.py starts it",
    "emoji-2": "an unpacked bundle; tests/pipeline/publishing/test_bundle.py predicts with one",
    "label to-label": "the same",
    "join ": "needs a chief; test_shared_training.py starts both",
    "crossval ": "test_crossval_command.py runs it",
    "tune ": "test_tune_command.py runs it",
    "tuning/tuned.yaml": "the same",
    "--set ": "tests/docs/test_commands.py checks settings; the command is run without",
    "s3://": "needs a store; tests/s3 uses workspaces on one",
    "onnx": "needs an extra; tests/pipeline/predicting/test_model_export.py has it",
}

#: Pictures of the small data set in place of those of the pages.
IN_PLACE_OF = {
    "my-pictures/day/car/1.jpg": "my-pictures/blackboard/circle/01.png",
    "my-pictures/day/car": "my-pictures/blackboard/circle",
    "my-pictures/night/**/*.jpg": "my-pictures/blackboard/**/*.png",
}

#: Commands that the small workspace refuses: exit code, and a part of the message.
REFUSED = {
    "accept RUN": (2, "no finished run RUN"),
    "predict --workspace my-workspace --csv my-pictures": (2, "not a picture in a known format"),
    "predict --workspace my-workspace --domain-report": (2, "not a picture in a known format"),
    "forget --workspace my-workspace --batch": (2, "knows no such picture"),
    "forget --workspace my-workspace --group": (2, "knows no such picture"),
    "rollback": (2, "needs an earlier"),
    "run --workspace my-workspace --resume": (2, "has no unfinished run"),
}


def documented() -> list[str]:
    """Every different command of the pages, in their order."""
    lines = (shlex.join(words) for one in pages() for words in one.carryover_commands())
    return [
        line for line in dict.fromkeys(lines) if not any(part in f"{line}\n" for part in LEFT_OUT)
    ]


@pytest.fixture(name="folder", scope="module")
def _folder(finished, data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages name: pictures, a batch in an inbox, and a workspace with one version."""
    root = tmp_path_factory.mktemp("documented")
    (root / "my-pictures").symlink_to(data)
    shutil.copytree(finished.copy, root / "my-workspace", symlinks=True)
    (root / "workspace").mkdir()
    (root / "workspace" / "emoji").symlink_to(root / "my-workspace")
    (root / "data").symlink_to(ROOT / "data")
    rng = np.random.default_rng(5)
    for shape in SHAPES:
        for number in range(8):
            picture = drawn(shape, 128, rng)
            save(root / "my-inbox" / "2026-fog" / "fog" / shape / f"{number}.png", picture)
    for number in range(8):
        picture = drawn(SHAPES[number % len(SHAPES)], 128, rng)
        save(root / "my-inbox" / "2026-fog" / "fog" / "_unlabelled" / f"{number}.png", picture)
    (root / "my-unlabelled").symlink_to(root / "my-inbox" / "2026-fog")
    (root / "my-inbox" / "2026-fog" / "_READY").touch()
    labelled = task(str(root / "my-unlabelled" / "fog" / "_unlabelled" / "1.png"), SHAPES[1])
    labelled["data"]["domain"] = "fog"
    (root / "my-labels.json").write_text(json.dumps([labelled]))
    labels = {f"{shape}.png": [shape] for shape in SHAPES}
    write_files(root / "my-export", {"_annotations.coco.json": coco(labels), **pictures(*labels)})
    return root


@pytest.mark.parametrize("line", documented())
def test_a_documented_command_does_its_work(line, folder, tmp_path):
    words = [IN_PLACE_OF.get(word, word) for word in shlex.split(line)]
    done = warm_process.run("pipeline.cli", words, tmp_path, folder=folder)
    expected, message = next(
        (outcome for start, outcome in REFUSED.items() if line.startswith(start)), (0, "")
    )
    assert done.returncode == expected, done.stdout + done.stderr
    assert message in done.stdout + done.stderr


def test_the_table_of_the_readme_has_the_columns_of_a_real_one(finished):
    shown, real = (
        next(line.split() for line in text.splitlines() if line.split()[:2] == ["domain", "images"])
        for text in (page("README.md").text, finished.output)
    )
    assert shown == real


def test_every_command_that_ends_by_itself_is_documented():
    kinds = {line.split()[0] for line in documented()}
    assert kinds >= {
        "run",
        "inspect",
        "manifest",
        "retrain",
        "history",
        "accept",
        "predict",
        "select",
        "export",
        "versions",
        "rollback",
        "clean",
        "forget",
        "report",
    }
