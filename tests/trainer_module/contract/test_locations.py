import pytest

from trainer_module.contract.locations import is_uri, local_path, locate


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("/data", "day/a.png", "/data/day/a.png"),
        ("/data/", "day/a.png", "/data/day/a.png"),
        ("/", "a.png", "/a.png"),
        ("", "day/a.png", "day/a.png"),
        ("data", "../a.png", "data/../a.png"),  # left to the system: data may be a link
        ("gs://bucket/data", "day/a.png", "gs://bucket/data/day/a.png"),
        ("gs://bucket", "a.png", "gs://bucket/a.png"),
        ("gs://bucket/a//b", "c.png", "gs://bucket/a//b/c.png"),
        ("/data", "what://is this.png", "what://is this.png"),
        ("/data", "1://a.png", "/data/1://a.png"),  # no scheme begins with a digit
    ],
)
def test_a_relative_path_is_joined_to_its_root(root, path, expected):
    assert locate(root, path) == expected


@pytest.mark.parametrize("root", ["/data", "gs://bucket/data", ""])
@pytest.mark.parametrize("path", ["/elsewhere/../a.png", "s3://bucket/./a.png", "gs://b/a//b.png"])
def test_absolute_paths_and_uris_are_left_alone(root, path):
    assert locate(root, path) == path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("./day/a.png", "gs://bucket/data/day/a.png"),
        ("../other/a.png", "gs://bucket/other/a.png"),
        ("..a/b...png", "gs://bucket/data/..a/b...png"),
    ],
)
def test_dots_below_a_remote_root_are_resolved_because_stores_do_not(path, expected):
    assert locate("gs://bucket/data", path) == expected


@pytest.mark.parametrize("path", ["gs://b/a", "s3://b", "x-y+z.1://a"])
def test_a_scheme_makes_a_uri(path):
    assert is_uri(path)


@pytest.mark.parametrize("path", ["a.png", "/a.png", "a:b/c.png", "day/gs://b/a", "", "://a"])
def test_anything_else_is_a_path(path):
    assert not is_uri(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("file:///data/a.png", "/data/a.png"),
        ("file://localhost/data/a%20%23b.png", "/data/a #b.png"),
        ("File:///data/%C3%A9", "/data/\u00e9"),
        ("file://server/a.png", "file://server/a.png"),
        ("file:a.png", "file:a.png"),
        ("gs://bucket/a%20b.png", "gs://bucket/a%20b.png"),
        ("data/a%20b.png", "data/a%20b.png"),
    ],
)
def test_a_file_uri_of_this_machine_is_a_local_path(path, expected):
    assert local_path(path) == expected
