"""YAML of configs: values mean what they look like, or are refused with their line."""

from math import inf

import pytest
import yaml

from pipeline.config.parsing.yaml_loader import YamlError
from pipeline.config.parsing.yaml_parser import dump_yaml, parse_yaml


def problem_of(content: str | bytes) -> tuple[int, str]:
    with pytest.raises(YamlError) as error:
        parse_yaml(content)
    assert error.value.problem.isprintable()
    assert len(error.value.problem) < 300
    return error.value.line, error.value.problem


@pytest.mark.parametrize(
    ("text", "key", "first", "second"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", 1, 3),
        ('a: 1\n"a": 1\n', "a", 1, 2),
        ("'a': 1\n\n# again\n\"a\":\n  b: 1\n", "a", 1, 4),
        ("g:\n  x: 1\n  y: 2\n  x: 1\n", "g.x", 2, 4),
        ("g:\n  h:\n    x: 1\n    x: 2\n", "g.h.x", 3, 4),
        ("g: {x: 1,\n y: 2,\n x: 3}\n", "g.x", 1, 3),
        ("base: &b {x: 1}\ng:\n  <<: *b\n  x: 2\n", "g.x", 1, 4),
        ("one: &o {x: 1}\ntwo: &t {x: 2}\ng:\n  <<: [*o, *t]\n", "g.x", 1, 2),
        ("list:\n- x: 1\n  x: 2\n", "list.x", 2, 3),
    ],
    ids=[
        "top",
        "one quoted",
        "both quoted",
        "group",
        "deep",
        "flow",
        "merged",
        "merged twice",
        "in a list",
    ],
)
def test_a_key_that_is_there_twice_is_an_error_with_both_lines(text, key, first, second):
    line, problem = problem_of(text)
    assert problem.startswith(f"key '{key}' is there twice, in lines {first} and {second}")
    assert problem.endswith("Leave one out.")
    assert line in (first, second)


def test_two_equal_keys_in_one_line_name_it_once():
    assert problem_of("a: 1\nb: {x: 1, x: 2}") == (
        2,
        "key 'b.x' is there twice, in line 2. Leave one out.",
    )


def test_a_merge_without_a_common_key_adds_the_keys():
    parsed = parse_yaml("base: &b {x: 1}\ng:\n  <<: *b\n  y: 2\n")
    assert parsed.value["g"] == {"x": 1, "y": 2}
    assert parsed.lines[("g", "x")] == 1
    assert parsed.lines[("g", "y")] == 4


def test_two_merges_in_one_group_are_an_error():
    text = "a: &a {x: 1}\nb: &b {y: 1}\ng:\n  <<: *a\n  <<: *b\n"
    assert problem_of(text) == (5, "key '<<' is there twice, in lines 4 and 5.")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("017", "017"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("190:20:30.15", "190:20:30.15"),
        ("2026-11-26", "2026-11-26"),
        ("2026-11-26 10:00:00", "2026-11-26 10:00:00"),
        *((word, word) for word in ("yes", "No", "NO", "on", "OFF", "y", "n", "=", "1.2.3")),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        (".5", 0.5),
        ("+7", 7),
        ("-0", 0),
        (".inf", inf),
        ("-.INF", -inf),
        ("True", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("!!str 017", "017"),
        ('!!int "17"', 17),
        ("'~'", "~"),
    ],
)
def test_plain_values_are_decimal_numbers_true_false_null_or_text(text, value):
    parsed = parse_yaml(f"a: {text}").value["a"]
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("key", ["no", "on", "NO", "017", "12:30", "2026-11-26"])
def test_a_key_that_yaml_1_1_would_not_take_for_text_is_text(key):
    assert parse_yaml(f"{key}: 1").value == {key: 1}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: ~", 2, 'Write null, or "~" in quotes'),
        ("a: 1\n7: x", 2, "the key 7 is not text. Put it in quotes."),
        ("true: x", 1, "the key true is not text. Put it in quotes."),
        ("a: 1\nb: {1.5: x}", 2, "the key 1.5 is not text."),
        ("? [a, b]\n: 1", 1, "a key is not text."),
        ("a: 1\n---\nb: 2", 2, "a second document begins here (---). Keep one."),
        ("a: 1\n--- {}\n...\n--- {}", 2, "a second document"),
        ("a:\n\tb: 1", 2, "there is a tab. Use spaces."),
        ("a:\t1", 1, "there is a tab. Use spaces."),
        ("a: 1\nb: c: d", 2, "there is a second ': ' in the line. Put the value in quotes."),
        ("a: [1, 2", 1, "expected ',' or ']'"),
        ("a: 1\nb: \x07", 2, "a control character (U+0007)"),
        ("a: !!python/object/apply:os.getcwd []", 1, "the tag !!python/object/apply:os.getcwd"),
        ("a: !!set {b}", 1, "the tag !!set is not allowed"),
        ("a: !mine 1", 1, "the tag !mine is not allowed"),
        ("a: !!int x", 1, "x does not fit its tag !!int"),
        ("a: 1\nb: 1" + "0" * 5000, 2, "key 'b': the number 1000000000"),
        (
            "a: {b: 9223372036854775808}",
            1,
            "key 'a.b': the number 9223372036854775808 is too large",
        ),
        ("a: -1e400", 1, "key 'a': the number -1e400 is too large. Write a smaller one."),
        ("a: !!float x", 1, "key 'a': x does not fit its tag !!float."),
        (r'a: "\ud800"', 1, r"key 'a': a text holds half a character (\ud800). Remove it."),
        (r'"\ude00": 1', 1, r"half a character (\ude00)"),
        (r'a: "\UFFFFFFFF"', 1, "an escape or a number after % is out of range"),
        (r'a: "\U00110000"', 1, "an escape or a number after % is out of range"),
        (f"%YAML {'1' * 5000}.1\n---\na: 1", 1, "an escape or a number after % is out of range"),
        ("a: !x%1b%0a 1", 1, r"the tag !x\x1b\n is not allowed"),
        (f"a: !{'x' * 9000} 1", 1, f"key 'a': the tag !{'x' * 79}... is not allowed."),
        (f"a: *{'x' * 9000}", 1, "undefined alias"),
        ("a: *nothing", 1, "undefined alias"),
        ("a: &a [1, *a]", 1, "key 'a' holds itself through an alias (*). Write the value out."),
        ("a:\n  b: &a {c: {d: *a}}", 2, "key 'a.b.c.d' holds itself through an alias"),
        ("a: &a {<<: *a}", 1, "key 'a.<<' holds itself through an alias"),
        ("a: &a {<<: [{b: 1}, *a]}", 1, "key 'a.<<' holds itself through an alias"),
        ("&a [*a]", 1, "a list holds itself through an alias"),
        (b"a: 1\nb: caf\xe9", 2, "byte 12 is not UTF-8. Save it as UTF-8."),
        ("a: 1".encode("utf-16-le"), 1, "control character (U+0000)"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text, line, words):
    found, problem = problem_of(text)
    assert words in problem
    assert found == line


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_of_any_editor_are_read(encoding, end):
    text = end.join(["---", "a: schön", "b:", "  c: 1", "..."])
    parsed = parse_yaml(text.encode(encoding))
    assert parsed.value == {"a": "schön", "b": {"c": 1}}
    assert parsed.lines[("b", "c")] == 4


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "\ufeff"])
def test_a_text_without_a_value_is_none(text):
    assert parse_yaml(text).value is None


def test_two_escapes_of_json_are_one_character():
    assert parse_yaml(r'{"a": "\ud83d\ude00"}').value == {"a": "\N{GRINNING FACE}"}


def test_a_byte_of_a_path_that_is_not_utf_8_is_kept():
    assert parse_yaml(dump_yaml({"inbox": "/a/\udcff"})).value == {"inbox": "/a/\udcff"}


def test_keys_that_differ_in_their_unicode_form_only_are_equal():
    text = 'a: {"caf\u00e9": 1,\n "cafe\u0301": 2}'
    assert problem_of(text)[1].startswith("key 'a.cafe\u0301' is there twice, in lines 1 and 2.")


@pytest.mark.parametrize(
    "value",
    [
        *("1e3", "017", "0o17", "no", "~", "null", "2026-11-26", "12:30", "a: b", "#", "", "<<"),
        *(" x ", "two\nlines", "caf\u00e9"),
        *(1e-05, 6e-4, 1e22, 5, -0.0, True, None, [], {}, ["on", 1]),
    ],
)
def test_what_is_written_is_read_back_by_us_and_by_others(value):
    text = dump_yaml({"key": value, "no": {"1e3": value}})
    for read in (parse_yaml(text).value, yaml.safe_load(text)):
        assert read == {"key": value, "no": {"1e3": value}}
        assert type(read["key"]) is type(value)
