import shutil

import pytest
from label_page import open_session
from tiny_pictures import solid, write_files

from pipeline.labelling.labelling_session import Decision
from pipeline.labelling.picture_list import picture_id
from trainer_module.contract.errors import InputError

ONE, TWO, THREE, OTHER = (picture_id(f"fog/{name}.png") for name in ("1", "2", "cat/3", "other"))
CLASSES = ("dog", "cat")


@pytest.fixture(name="folder")
def _folder(tmp_path):
    folder = tmp_path / "pictures"
    write_files(folder, {f"fog/{name}.png": solid("red") for name in ("1", "2", "cat/3")})
    return folder


def test_decisions_are_counted_and_survive_a_restart(folder):
    with open_session(folder, CLASSES) as session:
        assert session.counts() == {"open": 2, "labelled": 1}
        session.decide(ONE, "labelled", "dog")
        session.decide(TWO, "skipped")
    with open_session(folder, CLASSES) as session:
        assert session.decision(ONE) == Decision("labelled", "dog")
        assert session.decision(TWO) == Decision("skipped")
        assert session.decision(THREE) == Decision("labelled", "cat")  # its folder says so
        assert session.counts() == {"skipped": 1, "labelled": 2}


def test_undo_takes_back_one_decision_after_the_other_also_after_a_restart(folder):
    with open_session(folder, CLASSES) as session:
        session.decide(ONE, "labelled", "dog")
        session.decide(ONE, "labelled", "cat")
        session.decide(TWO, "unusable")
        assert session.undo() == TWO
    with open_session(folder, CLASSES) as session:
        assert session.undo() == ONE
        assert session.decision(ONE) == Decision("labelled", "dog")
        assert session.undo() == ONE
        assert session.decision(ONE) is None
        assert session.undo() is None


def test_a_class_is_added_once_and_kept(folder):
    with open_session(folder, CLASSES) as session:
        assert session.add_class(" owl ") == "owl"
        assert session.add_class("owl") == "owl"
        with pytest.raises(InputError, match="looks like 'dog'"):
            session.add_class("Dog")
    with open_session(folder, CLASSES) as session:
        assert session.classes() == ["dog", "cat", "owl"]


@pytest.mark.parametrize(
    "decision",
    [("unknown", "skipped"), (ONE, "labelled", "cow"), (ONE, "skipped", "dog"), (ONE, "open")],
)
def test_an_unknown_picture_kind_or_class_is_refused(folder, decision):
    with open_session(folder, CLASSES) as session:
        with pytest.raises(InputError, match="Load the page again"):
            session.decide(*decision)
        assert session.undo() is None


def test_a_label_of_a_file_that_was_changed_since_does_not_count(folder):
    with open_session(folder, CLASSES) as session:
        session.decide(ONE, "labelled", "dog")
        session.decide(TWO, "labelled", "dog")
    write_files(folder, {"fog/1.png": solid("blue", form="BMP")})
    (folder / "fog" / "2.png").unlink()
    with open_session(folder, CLASSES) as session:
        assert session.num_changed == 2
        assert session.decision(ONE) is None
        assert session.undo() is None


def test_a_picture_that_was_labelled_again_after_its_file_was_changed_is_not_told_of(folder):
    (folder / "fog" / "2.png").unlink()  # a copy, to which the label would move
    with open_session(folder, CLASSES) as session:
        session.decide(ONE, "labelled", "dog")
    write_files(folder, {"fog/1.png": solid("blue", form="BMP")})
    with open_session(folder, CLASSES) as session:
        assert session.num_changed == 1
        session.decide(ONE, "labelled", "cat")
    with open_session(folder, CLASSES) as session:
        assert session.num_changed == 0
        assert session.decision(ONE) == Decision("labelled", "cat")


def test_labels_count_in_a_folder_that_was_written_again_with_other_names(folder):
    write_files(folder, {"fog/2.png": solid("green")})
    with open_session(folder, CLASSES) as session:
        session.decide(ONE, "labelled", "dog")
        session.decide(TWO, "labelled", "cat")
    shutil.rmtree(folder)  # what had the name 2 is 1 now, and what had the name 1 is `other`
    write_files(folder, {"fog/1.png": solid("green"), "fog/other.png": solid("red")})
    with open_session(folder, CLASSES) as session:
        assert session.num_changed == 0
        assert session.decision(ONE) == Decision("labelled", "cat")
        assert session.decision(OTHER) == Decision("labelled", "dog")
        assert session.undo() == ONE
    with open_session(folder, CLASSES) as session:
        assert session.decision(ONE) is None
        session.decide(OTHER, "labelled", "cat")
    with open_session(folder, CLASSES) as session:
        assert session.num_changed == 0
        assert session.decision(OTHER) == Decision("labelled", "cat")


def test_a_label_does_not_move_to_a_copy_that_has_another_one(folder):
    with open_session(folder, CLASSES) as session:
        session.decide(ONE, "labelled", "cat")
        session.decide(TWO, "labelled", "dog")
    (folder / "fog" / "2.png").unlink()
    with open_session(folder, CLASSES) as session:
        assert session.decision(ONE) == Decision("labelled", "cat")
        assert session.decision(THREE) == Decision("labelled", "cat")  # its folder says so


def test_a_journal_with_the_name_of_another_folder_as_a_class_is_refused(folder):
    with open_session(folder, CLASSES) as session:
        session.decide(ONE, "labelled", "dog")
    journal = folder.with_name("labels.jsonl")
    journal.write_text(journal.read_text().replace('"dog"', '"../dog"'))
    with (
        pytest.raises(InputError, match="holds a slash"),
        open_session(folder, CLASSES),
    ):
        pass


def test_a_file_that_cannot_be_read_is_unusable_unless_a_person_decides(folder):
    with open_session(folder, CLASSES) as session:
        session.mark_unreadable(ONE, "empty file")
        assert session.decision(ONE) == Decision("unusable", reason="empty file")
        assert session.unreadable() == [ONE]
        session.decide(ONE, "skipped")
        assert session.decision(ONE) == Decision("skipped")


def test_undo_takes_back_the_decision_about_its_file_also_in_the_journal(folder):
    with open_session(folder, CLASSES) as session:
        session.decide(ONE, "labelled", "dog")
        session.decide(TWO, "labelled", "cat")
    write_files(folder, {"fog/2.png": solid("blue", form="BMP")})
    with open_session(folder, CLASSES) as session:
        assert session.undo() == ONE
    with open_session(folder, CLASSES) as session:
        assert session.decision(ONE) is None
        assert session.undo() is None


def test_an_undo_of_an_older_journal_takes_back_the_last_decision(folder):
    with open_session(folder, CLASSES) as session:
        session.decide(ONE, "labelled", "dog")
        session.decide(TWO, "skipped")
    with folder.with_name("labels.jsonl").open("a") as journal:
        journal.write('{"undo": true}\n')
    with open_session(folder, CLASSES) as session:
        assert session.decision(ONE) == Decision("labelled", "dog")
        assert session.decision(TWO) is None


def test_labels_count_as_the_class_that_the_workspace_has_got_since(folder):
    with open_session(folder) as session:
        session.decide(ONE, "labelled", session.add_class("Owl"))
    with open_session(folder, ["owl"]) as session:
        assert session.decision(ONE) == Decision("labelled", "owl")
        assert session.renamed == {"Owl": "owl"}
        assert session.classes() == ["owl", "cat"]


def test_a_class_that_cannot_be_one_is_refused_with_the_path_of_the_journal(folder):
    with open_session(folder) as session:
        session.add_class("owl")
    journal = folder.with_name("labels.jsonl")
    journal.write_text(journal.read_text().replace('"owl"', '"../owl"'))
    with pytest.raises(InputError, match=r"labels\.jsonl: .*move it away"), open_session(folder):
        pass


def test_a_closed_session_takes_no_decision_until_an_error_opens_it(folder):
    with open_session(folder, CLASSES) as session:
        session.decide(ONE, "skipped")
        with pytest.raises(RuntimeError), session.closed():
            raise RuntimeError
        session.decide(TWO, "skipped")
        with session.closed():
            pass
        for change in (
            lambda: session.decide(ONE, "unusable"),
            lambda: session.add_class("owl"),
            session.undo,
        ):
            with pytest.raises(InputError, match="the batch is written"):
                change()
        assert session.decision(ONE) == Decision("skipped")
