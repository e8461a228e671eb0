import pytest

from components.data_gate.checks.name_findings import name_findings


@pytest.mark.parametrize(
    "names",
    [
        *[("Dog", "dog"), ("dog ", "dog"), ("é", "e\u0301"), ("straße", "STRASSE"), ("①", "1")],
        *[
            ("\u200bdog", "dog"),
            ("do\u00adg", "dog"),
            ("big  dog", "big dog"),
            ("big\u00a0dog", "big dog"),
        ],
    ],
)
def test_names_that_look_the_same_are_a_finding(names):
    [finding] = name_findings("class", [*names, "cat"])
    assert finding.kind == "similar_names"
    assert "'cat'" not in finding.text


def test_names_that_differ_are_not_similar():
    assert name_findings("domain", ["dog", "dogs", "do g", "dog", "dög"]) == []
