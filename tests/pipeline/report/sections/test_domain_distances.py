import numpy as np

from pipeline.report.sections.domain_distances import measure_domain_distances
from trainer_module.export.reference_embeddings import Reference


def reference(**centres: float) -> Reference:
    """Thirty rows around a centre for every domain."""
    rng = np.random.default_rng(7)
    rows = [rng.normal(centre, 1, (30, 6)) for centre in centres.values()]
    domains = np.repeat(list(centres), 30)
    return Reference(np.concatenate(rows), np.full(len(domains), 0.5), domains)


def test_similar_domains_are_near_and_different_domains_are_far():
    distances = measure_domain_distances(
        reference(day=0, noon=0, night=3), ["day", "night", "noon"]
    )
    assert distances
    assert distances.domains == ["day", "night", "noon"]
    day, night, noon = distances.rows
    assert day[0] == night[1] == noon[2] == 0
    assert day[2] < 0.15 < 0.6 < day[1]
    np.testing.assert_allclose(distances.rows, np.transpose(distances.rows), atol=1e-6)


def test_every_picture_is_on_the_map_and_every_domain_in_the_legend():
    distances = measure_domain_distances(reference(day=0, night=3), ["day", "night"])
    assert distances
    assert distances.num_points == 60
    assert distances.map.count("<use ") == 60
    assert [name for _, _, name in distances.legend] == ["day", "night"]
    assert len({marker for marker, _, _ in distances.legend}) == 2


def test_a_single_domain_has_no_distances():
    assert measure_domain_distances(reference(day=0), ["day", "night"]) is None
