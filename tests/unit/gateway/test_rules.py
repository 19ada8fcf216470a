"""Which rule wins."""

import pytest

from config.schema import Rule
from gateway.rules import Facts, choose, choose_late

RULES = tuple(
    Rule.model_validate(rule)
    for rule in (
        {
            "name": "echo",
            "from": "clinical",
            "when": {"Modality": ["US"], "StudyDescription": "/echo/i"},
            "profile": "ultrasound",
            "project": "p",
            "target": ["research"],
        },
        {
            "name": "by-title",
            "when": {"called_aet": "TRIAL"},
            "profile": "strict",
            "project": "t",
            "target": ["research"],
        },
        {"name": "default", "fallback": True, "action": "hold"},
    )
)


def _facts(node="clinical", called="SONOVEIL", **attributes):
    return Facts(
        node=node,
        calling_aet="CLINICAL",
        called_aet=called,
        attribute=lambda keyword: (attributes[keyword],) if keyword in attributes else (),
    )


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (_facts(Modality="US", StudyDescription="Stress ECHO"), "echo"),
        (_facts(Modality="US"), "default"),
        (_facts(Modality="CT", StudyDescription="echo"), "default"),
        (_facts(node="other", Modality="US", StudyDescription="echo"), "default"),
        (_facts(node="other", called="TRIAL"), "by-title"),
        (_facts(called="TRIAL", Modality="US", StudyDescription="echo"), "echo"),
    ],
)
def test_the_first_rule_that_matches_wins(facts, name):
    """Sender, attributes and AE titles are all asked; an absent attribute never matches."""
    assert choose(RULES, facts).name == name


LATE = (
    *RULES[:2],
    Rule.model_validate({"name": "screens", "when": {"Modality": ["SC"]}, "action": "refuse"}),
    RULES[2],
)


@pytest.mark.parametrize(
    ("facts", "first", "expected"),
    [
        (_facts(Modality="SR"), "echo", "echo"),
        (_facts(called="TRIAL", Modality="SR"), "echo", "echo"),
        (_facts(Modality="SC"), "echo", "screens"),
        (_facts(node="elsewhere", Modality="SR"), "echo", "default"),
        (_facts(Modality="SR"), "gone", "default"),
        (_facts(Modality="SR"), "default", "default"),
    ],
    ids=["fallback", "another rule", "refused by name", "another sender", "rule is gone", "it held"],
)
def test_a_late_instance_goes_by_the_first_rule_of_its_study(facts, first, expected):
    """Unless a rule holds or refuses just it, or the first rule is not for its sender."""
    assert choose_late(LATE, facts, first=first).name == expected
