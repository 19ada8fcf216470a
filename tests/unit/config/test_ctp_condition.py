"""Conditions of CTP's scripts: true of an object, false, or an error."""

import pytest

from config.ctp_condition import ConditionError, parse_condition

VALUES = {0x00181020: "LOGIQ S6:1", 0x00080070: "Vital Images", 0x0008103E: "aaa stent", 0x00280010: "1041"}


def value_of(tag):
    """Return the text of an attribute."""
    return VALUES.get(tag, "")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('Manufacturer.equals("Vital Images")', True),
        ('Manufacturer.equals("vital images")', False),
        ('Manufacturer.equalsIgnoreCase("vital images")', True),
        ('Manufacturer.startsWith("Vital")', True),
        ('Manufacturer.endsWithIgnoreCase("IMAGES")', True),
        ('Manufacturer.contains("l I")', True),
        ('Manufacturer.matches("V.*s")', True),
        ('Manufacturer.matches("Vital")', False),
        ('Manufacturer.matchesIgnoreCase("vital [a-z]{6}")', True),
        ('Rows.isLessThan("1042")', True),
        ('Rows.isGreaterThan("1041")', False),
        ('Manufacturer.isLessThan("9")', False),
        ('StationName.equals("")', True),
        ("false. + true. * false.", False),
        ("true. + true. * false.", True),
        ("!false. * true.", True),
        ("!(true. + false.)", False),
        ('( ( [0028,0010].equals("1041") ) )', True),
        ('SoftwareVersion.startsWith("LOGIQ S6")', True),
        ('SoftwareVersions.startsWith("LOGIQ S6")', True),
    ],
)
def test_comparisons_and_how_they_are_joined(condition, holds):
    """Not binds closer than and, and closer than or."""
    assert parse_condition(condition).holds(value_of) is holds


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "true",
        'Manufacturer.resembles("x")',
        'NoSuchKeyword.equals("x")',
        '[0019[ACME]01].equals("x")',
        'Rows.isLessThanIgnoreCase("x")',
        'Manufacturer.matches("[")',
        'Manufacturer.equals("x"',
        'Manufacturer.equals("x") Rows.equals("y")',
        'Manufacturer.equals("x") * ',
        "(true.",
        "!" * 200 + "true.",
    ],
)
def test_a_condition_that_is_not_understood_is_an_error(condition):
    """A rule that were skipped would leave its rectangles unblanked."""
    with pytest.raises(ConditionError):
        parse_condition(condition)
