"""The model card of a bundle."""

import json

import pytest
from served_versions import DESCRIPTION, DOMAINS, FILES, RUN_ID, serve_version
from tiny_pictures import write_files

from pipeline.publishing.model_card import markdown_text, model_card
from pipeline.publishing.served_version import read_served_version

HOSTILE = "<script>alert(1)</script> | [x](http://y) `\x1b[31m`\n# night"


def card(store):
    return model_card(read_served_version(store))


def test_a_card_says_what_the_model_is_and_how_well_it_does(tmp_path):
    text = card(serve_version(tmp_path))
    assert text.startswith("# pets, version 1\n")
    assert "efficientnet\\_lite0 at 96 px and one linear layer, fine-tuned" in text
    assert "Classes (2): cat, dog" in text
    assert "1,400 pictures from" in text
    # Wilson's interval of 126 of 140, at 90 %
    assert "| day | 140 | 0.900 | 0.850 to 0.934 | 0.700 | 0.500 | 0.100 | - |" in text
    assert f"Run {RUN_ID}, pushed 2024-01-01" in text
    assert "## Licence" in text


def test_a_card_tells_where_a_retrained_version_comes_from(tmp_path):
    serve_version(tmp_path)
    store = serve_version(tmp_path, 2, batch="b" * 16, accepted="labels were *wrong*")
    text = card(store)
    assert "Baseline: version 1" in text
    assert "Goes back to version 1\n" in text
    assert "batch with the digest `bbbb" in text
    assert "accepted by a person: labels were \\*wrong\\*" in text


@pytest.mark.parametrize(
    ("chosen", "start"),
    [("semi_supervised", "Trained on"), ("fine_tuned", "This or an earlier training had")],
)
def test_a_card_names_domains_of_unlabelled_pictures_and_whether_labels_have_measured_them(
    tmp_path, chosen, start
):
    stage = DESCRIPTION["training"]["fine_tuned"]
    training = {"chosen": chosen, chosen: stage, "unlabelled_domains": ["fog", "a*b"]}
    content = json.dumps(DESCRIPTION | {"training": training}).encode()
    model = write_files(tmp_path / "model", FILES | {"assets.extra/model.json": content})
    measured = DOMAINS | {"fog": DOMAINS["day"] | {"test_images": 38.0}}
    text = card(serve_version(tmp_path / "w", model=model, domains=measured))
    assert f"- {start} unlabelled pictures of fog: accuracy there measured on 38 labels\n" in text
    assert f"- {start} unlabelled pictures of a\\*b: accuracy there not measured\n" in text


def test_names_of_users_are_no_markup(tmp_path):
    description = DESCRIPTION | {"labels": ["cat", HOSTILE]}
    files = FILES | {"assets.extra/model.json": json.dumps(description).encode()}
    model = write_files(tmp_path / "model", files)
    text = card(serve_version(tmp_path / "w", model=model, domains={HOSTILE: DOMAINS["day"]}))
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "\n# night" not in text
    rows = [line for line in text.splitlines() if line.startswith("| &lt;script")]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 9


def test_markdown_text_keeps_ordinary_names():
    assert markdown_text("line-art 2.0 (new)") == "line-art 2.0 (new)"
