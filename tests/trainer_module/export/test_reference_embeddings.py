import numpy as np
import pytest
import tensorflow as tf
from trainer_fixtures import SIZE, rows

from trainer_module.data.transformed_examples import read_pictures
from trainer_module.export.reference_embeddings import (
    PER_DOMAIN,
    Reference,
    read_reference,
    sample_rows,
)

pytestmark = pytest.mark.component


def test_a_sample_has_a_limited_number_of_evenly_spread_rows_of_every_domain():
    domains = np.array(["day"] * 1000 + ["night"] * 3)
    rows = sample_rows(domains)
    assert (domains[rows] == "day").sum() == PER_DOMAIN
    assert (domains[rows] == "night").sum() == 3
    assert np.diff(rows[:PER_DOMAIN]).max() <= 6


def test_a_sample_is_read_as_it_was_written(tmp_path):
    domains = np.array(["day", "night", "day"], object)
    Reference(np.eye(3), np.array([0.5, 0.6, 0.7]), domains).write(str(tmp_path))
    found = read_reference(str(tmp_path))
    assert found is not None
    day = found.of_domain("day")
    np.testing.assert_array_equal(day.embeddings, np.eye(3)[[0, 2]])
    np.testing.assert_allclose(day.confidences, [0.5, 0.7])
    assert day.labels is None
    assert read_reference(str(tmp_path / "none")) is None


def test_the_sample_has_the_embeddings_of_the_exported_model(trained):
    found = read_reference(trained.serving_model_dir)
    assert found is not None
    assert len(found.domains) == 12
    by_id = {row.image_id: row for row in rows({"day": 20, "night": -20}, per_class=2, seed=2)}
    indexed = read_pictures(trained.eval_files, SIZE)
    pictures = [by_id[image_id.decode()] for image_id in indexed.image_ids.tolist()]
    assert found.domains.tolist() == [row.domain for row in pictures]
    assert found.labels is not None
    assert found.labels.tolist() == [row.label for row in pictures]
    images = tf.constant([tf.io.encode_png(row.pixels).numpy() for row in pictures])
    signatures = tf.saved_model.load(trained.serving_model_dir).signatures
    served = signatures["embed"](image=images)["embedding"].numpy()
    np.testing.assert_allclose(found.embeddings, served, atol=0.02)
    confidences = signatures["serving_default"](image=images)["confidence"].numpy()
    np.testing.assert_allclose(found.confidences, confidences, atol=0.02)
