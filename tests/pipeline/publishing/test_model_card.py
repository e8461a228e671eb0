"""The model card of a bundle."""

import json

import pytest
from served_versions import DESCRIPTION, DOMAINS, FILES, RUN_ID, serve_version
from tiny_pictures import write_files
from tiny_summary import summary

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
    assert "1,400 pictures from s3://me:(masked)@host/pictures; model selection on 300" in text
    # Wilson's interval of 126 of 140, at 90 %
    assert "| day | 140 | 0.900 | 0.850 to 0.934 | 0.700 | 0.500 | 0.100 | - |" in text
    assert f"Run {RUN_ID}, pushed 2024-01-01" in text
    assert "## Licence" in text


def test_a_card_tells_where_a_retrained_version_comes_from(tmp_path):
    serve_version(tmp_path)
    store = serve_version(tmp_path, 2, batch="b" * 16, accepted="labels were *wrong*")
    [run] = (tmp_path / "runs").glob("*-000001")
    summary(run_id=run.name, batch="2026-fog*").write(run)
    text = card(store)
    assert "pictures and from batches, the newest of which is 2026-fog\\*; model" in text
    assert "Baseline: version 1" in text
    assert "Goes back to version 1\n" in text
    assert "Retrained for the batch 2026-fog\\* with the digest `bbbb" in text
    assert "accepted by a person: labels were \\*wrong\\*" in text


def with_acceptance(tmp_path, **changes):
    """A version that says which predictions it accepts."""
    limits = {"accuracy": 0.95, "min_confidence": 0.9473, "max_novelty": 0.95}
    day = {"pictures": 97, "accepted": 20, "correct": 19, "accuracy_low": 0.819, "is_shown": False}
    night = {"pictures": 200, "accepted": 0, "correct": 0, "accuracy_low": 0.0, "is_shown": True}
    training = DESCRIPTION["training"] | {
        "acceptance": limits | {"domains": {"night|": night, "day": day}} | changes
    }
    description = json.dumps(DESCRIPTION | {"training": training}).encode()
    model = write_files(tmp_path / "model", FILES | {"assets.extra/model.json": description})
    return serve_version(tmp_path / "w", model=model)


def test_a_card_explains_novelty_and_accepted_and_has_the_coverage_of_every_domain(tmp_path):
    text = card(with_acceptance(tmp_path))
    assert "`label`, `confidence`, `probabilities`, `novelty` and `accepted` out" in text
    assert "`accepted` is true from a confidence of 0.947 on, up to a novelty of 0.95." in text
    assert "at least 95% of the accepted predictions are correct in every known domain" in text
    assert "| day | 97 | 20 | 0.206 | 0.950 | 0.819 | no |" in text
    assert "| night\\| | 200 | 0 | 0.000 | - | 0.000 | yes |" in text


def test_a_card_says_where_nothing_is_accepted(tmp_path):
    assert "`accepted` is false for every" in card(with_acceptance(tmp_path, min_confidence=2.0))


def test_a_card_of_a_version_without_these_outputs_does_not_name_them(tmp_path):
    text = card(serve_version(tmp_path))
    assert "`label`, `confidence` and `probabilities` out" in text
    assert "novelty" not in text


def test_a_card_without_the_config_of_the_run_names_the_folder_of_its_summary(tmp_path):
    store = serve_version(tmp_path)
    (tmp_path / "runs" / RUN_ID / "config.yaml").unlink()
    assert "1,400 pictures from" in card(store)


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
