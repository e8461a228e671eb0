import numpy as np

from pipeline.report.sections.distances import measure_distances
from trainer_module.export.reference_embeddings import Reference


def reference(**centres: float) -> Reference:
    """Thirty rows around a centre for every domain."""
    rng = np.random.default_rng(7)
    rows = [rng.normal(centre, 1, (30, 6)) for centre in centres.values()]
    domains = np.repeat(list(centres), 30)
    return Reference(np.concatenate(rows), np.full(len(domains), 0.5), domains)


def test_domains_that_look_alike_are_near_and_others_far():
    found = measure_distances(reference(day=0, noon=0, night=3), ["day", "night", "noon"])
    assert found
    assert found.domains == ["day", "night", "noon"]
    day, night, noon = found.rows
    assert day[0] == night[1] == noon[2] == 0
    assert day[2] < 0.15 < 0.6 < day[1]
    np.testing.assert_allclose(found.rows, np.transpose(found.rows), atol=1e-6)


def test_every_picture_is_on_the_map_and_every_domain_in_the_legend():
    found = measure_distances(reference(day=0, night=3), ["day", "night"])
    assert found
    assert found.points == 60
    assert found.map.count("<use ") == 60
    assert [name for _, _, name in found.legend] == ["day", "night"]
    assert len({marker for marker, _, _ in found.legend}) == 2


def test_a_domain_alone_has_nothing_to_be_compared_with():
    assert measure_distances(reference(day=0), ["day", "night"]) is None
