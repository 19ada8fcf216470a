"""Which rule wins."""

import pytest

from config.schema import Rule
from gateway.rules import Facts, choose

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
