"""What TensorFlow needs to decode pictures."""

from costly_pictures import progressive
from tiny_pictures import solid

from pipeline.serving.decoding.decoding_cost import DecodingCost


def test_a_picture_in_one_scan_takes_four_bytes_per_pixel_and_twice_its_file():
    for form in ("JPEG", "PNG"):
        content = solid("red", form=form)
        assert DecodingCost.of_picture(content, 12) == (12, 12, 4 * 12 + 2 * len(content))


def test_a_progressive_picture_takes_more_memory_and_the_time_of_its_scans():
    content = progressive((40, 30))
    expected = (1200, 12_000, 10 * 1200 + 2 * len(content))
    assert DecodingCost.of_picture(content, 1200) == expected


def test_costs_are_added():
    assert DecodingCost.total([DecodingCost(1, 2, 3), DecodingCost(10, 20, 30)]) == (11, 22, 33)
    assert DecodingCost.total([]) == (0, 0, 0)
