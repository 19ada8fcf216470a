"""YAML is read in one way only."""

import pytest

from config.load import ConfigurationError
from config.tree import read_tree


def _read(tmp_path, text):
    file = tmp_path / "some.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_tree(file)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("00081030", "00081030"),
        ("010", "010"),
        ("10", 10),
        ("-3", -3),
        ("'10'", "10"),
        ("1.5", 1.5),
        ("10.0.0.5", "10.0.0.5"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("null", None),
        ("~", None),
        ("", None),
        ("''", ""),
        ("[a, 1]", ("a", 1)),
        ("{b: {c: []}}", {"b": {"c": ()}}),
    ],
)
def test_scalars_have_the_types_of_yaml_1_2(tmp_path, written, value):
    """Words, times, dates and numbers with leading zeros stay text."""
    tree = _read(tmp_path, f"a: {written}\n")

    assert tree.value == {"a": value}
    assert type(tree.value["a"]) is type(value)
    assert tree.problems == []


def test_every_setting_knows_its_line(tmp_path):
    """Keys and list items, in both styles."""
    tree = _read(tmp_path, "# comment\na:\n  b: 1\n  c:\n    - x\n    -\n      y\nd: {e: [1,\n  2]}\n")

    assert [tree.line(place) for place in [("a",), ("a", "b"), ("a", "c", 0), ("a", "c", 1), ("d", "e", 1)]] == [
        2,
        3,
        5,
        7,
        9,
    ]
    assert tree.line(("a", "absent", 3)) == 2
    assert tree.line(()) == 1


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: &x 1\nb: 2\n", 1, "anchor"),
        ("a: 1\nb: *x\n", 2, "alias"),
        ("a: 1\nb: 2\na: 3\n", 3, "`a` stands twice, first in line 1"),
        ("a: {b: 1, b: 2}\n", 1, "`b` stands twice"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "is a tag"),
        ("a: !secret x\n", 1, "is a tag"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
    ],
)
def test_what_could_be_read_in_two_ways_is_a_problem_with_its_line(tmp_path, text, line, said):
    """Anchors, aliases, tags, repeated keys, several documents."""
    problems = _read(tmp_path, text).problems

    assert (problems[0].line, said in problems[0].message) == (line, True), problems


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "no YAML"),
        ("a: 1\n\tb: 2\n", 2, "no YAML"),
        ("a: 1\nb: \x01\n", 2, "no YAML"),
        ("? [a, b]\n: 1\n", 1, "a key must be a single word"),
        ("a:\n  " + "[" * 50 + "]" * 50 + "\n", 2, "levels deep"),
        (b"a: 1\nb: \xff\n", 2, "UTF-8"),
        ("a: " + "x" * (1 << 20), 0, "larger than"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line(tmp_path, text, line, said):
    """Broken YAML, too deep, too large, no text."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        _read(tmp_path, text)

    assert caught.value.problems[0].line == line


def test_a_billion_laughs_stay_small(tmp_path):
    """Aliases are named one by one and never expanded."""
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + last] * 9)}]\n" for last, name in zip("abcdefgh", "bcdefghi", strict=True)
    )

    tree = _read(tmp_path, bomb)

    assert len(tree.problems) == 9 + 8 * 9
    assert tree.value["i"] == (None,) * 9


def test_an_absent_file_is_named_without_a_line(tmp_path):
    """The reason is the system's."""
    with pytest.raises(ConfigurationError, match=r"absent\.yaml: cannot be read: No such file"):
        read_tree(tmp_path / "absent.yaml")
