"""docs/labelling.md names the keys of the page, and what the command prints."""

import re

from documentation import page
from repository import ROOT

TEXT = page("docs/labelling.md").text
HTML = (ROOT / "pipeline/labelling/page/page.html").read_text(encoding="utf-8")
SCRIPTS = [
    (ROOT / "pipeline/labelling/page" / name).read_text(encoding="utf-8")
    for name in ("script.js", "controls.js")
]


def test_every_key_of_an_action_is_listed():
    rows = re.findall(r"^\| (`.*`) \| [^|]+ \|$", TEXT, re.MULTILINE)
    listed = {key for row in rows for key in re.findall(r"`([^`<]+)`", row)}
    actions = re.search(r"const ACTIONS = \{(.*?)\n\};", SCRIPTS[1], re.DOTALL)
    assert actions
    keys = {
        name or other
        for name, other in re.findall(r'^  (?:"?([^"\s:,]+)"?:|(\w+),)', actions[1], re.MULTILINE)
    }
    arrows = {"ArrowLeft": "←", "ArrowRight": "→"}
    assert {arrows.get(key, key) for key in keys} <= listed


def test_no_key_of_an_action_is_that_of_a_class():
    [classes] = re.findall(r'CLASS_KEYS = "(\w+)"', SCRIPTS[0])
    assert len(set(classes)) == len(classes)
    assert not set(classes) & set("usxg/")


def test_every_shortcut_of_a_button_is_listed():
    shortcuts = set(" ".join(re.findall(r'aria-keyshortcuts="([^"]+)"', HTML)).split())
    named = {"ArrowLeft": "←", "ArrowRight": "→", "Control+z": "Ctrl+Z"}
    assert all(f"`{named.get(key, key)}`" in TEXT for key in shortcuts)


def test_the_output_has_the_words_of_the_command():
    source = (ROOT / "pipeline/labelling/label_server.py").read_text(encoding="utf-8")
    [output] = [block for block in page("docs/labelling.md").blocks("") if "Written" in block]
    for words in (
        "Written to ",
        "labelled picture",
        " without a label",
        "Not in the batch",
        "Next:",
        "  carryover retrain --workspace ",
    ):
        assert words in output
        assert words in source
