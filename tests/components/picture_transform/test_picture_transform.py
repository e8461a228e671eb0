import pytest

from components.picture_transform.executor import batch_size

pytestmark = pytest.mark.component


@pytest.mark.parametrize(
    ("image_size", "pictures"), [(1, 1000), (100, 1000), (224, 222), (3344, 1), (20_000, 1)]
)
def test_a_batch_has_32_mib_of_pixels_but_at_least_one_picture_and_at_most_1000(
    image_size, pictures
):
    assert batch_size(image_size) == pictures
