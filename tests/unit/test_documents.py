"""What is written beside the code is true of the code: documents and pictures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import prometheus_client
import pytest
import yaml

from config.load import load_gateway
from config.profile import AVAILABLE_OPTIONS
from gateway import cli, metrics
from pipeline.reasons import Reason
from tests.factories.shipped import ALERTS, PACKAGES, ROOT, metrics_of_the_code, text_of, usable_configuration
from tools import draw_states, draw_way
from tools.drawing import DARK, LIGHT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action.choices, dict):
            return action.choices
    return {}


def _command(name: str) -> argparse.ArgumentParser:
    """Return the parser of one command; the whole parser gives arguments only to the command that is chosen."""
    return _subcommands(cli.parser(chosen=name))[name]


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _links(text: str) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r'(?:src|srcset|href)="([^"]+)"', text)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_the_picture_of_the_states_is_what_the_tables_say(palette):
    """The committed SVG is what the tool draws from the tables today."""
    assert (ROOT / "docs" / f"states{palette.suffix}.svg").read_text(encoding="utf-8") == draw_states.draw(palette)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_the_picture_of_the_way_is_what_its_tool_draws(palette):
    """The committed SVG is what the tool draws today."""
    assert (ROOT / "docs" / f"way{palette.suffix}.svg").read_text(encoding="utf-8") == draw_way.draw(palette)


def test_a_transition_without_a_place_in_the_picture_is_an_error(monkeypatch):
    """The picture of the states cannot be silently incomplete."""
    lines = dict(draw_states._DELIVERY_LINES)
    lines.popitem()
    monkeypatch.setattr(draw_states, "_DELIVERY_LINES", lines)

    with pytest.raises(KeyError):
        draw_states.draw(LIGHT)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_lead_somewhere(document):
    """Every relative link names a file that exists, and a heading that is in it."""
    broken = []
    for link in _links(document.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in _anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)

    assert broken == []


def test_the_table_of_commands_is_the_command_line():
    """The README lists every command and action that exists, and no other."""
    rows = [row.partition(" ") for row in re.findall(r"^\| `sonoveil ([^`]+)` \|", text_of("README.md"), re.MULTILINE)]
    listed = {name: set(actions.split(r"\|")) if actions else set() for name, _, actions in rows}

    assert listed == {name: set(_subcommands(_command(name))) for name in cli.COMMANDS}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_exist_with_their_options(document):
    """Whoever copies a command from a document does not get a usage error for an unknown command or option."""
    text = document.read_text(encoding="utf-8")
    code = [*re.findall(r"`([^`\n]+)`", text), *"\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()]
    wrong = []
    for line in code:
        match = re.search(r"(?:^|bin/|User=\w+ )sonoveil (?!&&)([a-z]+)(.*)", line.partition(" #")[0])
        if match is None:
            continue
        if match[1] not in cli.COMMANDS:
            wrong.append(line)
            continue
        parser, words = _command(match[1]), match[2].split()
        while words and words[0] in _subcommands(parser):
            parser = _subcommands(parser)[words.pop(0)]
        known = {option for action in parser._actions for option in action.option_strings}
        if not known.issuperset(re.findall(r"(?:^|\s)(--?[a-z][a-z-]*)", match[2])):
            wrong.append(line)

    assert wrong == []


def test_every_reason_stands_in_the_handbook():
    """The table of the held queue has one row for each reason, and none for a reason that is gone."""
    section = text_of("docs/administrator.md").partition("| Reason |")[2].partition("\n\n")[0]

    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == {reason.value for reason in Reason}


def test_reasons_that_nothing_gives_are_called_unused():
    """The handbook says "not used by this version" of exactly the reasons that no code gives."""
    code = "".join(path.read_text(encoding="utf-8") for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
    unused = {reason.value for reason in Reason if not re.search(rf"Reason\.{reason.name}\b", code)}
    rows = re.findall(r"^\| `(\w+)` \|.*not used by this version \|$", text_of("docs/administrator.md"), re.MULTILINE)

    assert set(rows) == unused


def test_the_options_called_implemented_are_those_accepted():
    """The document names exactly the options that a profile may claim."""
    sentence = text_of("docs/deidentification.md").partition("fully implemented: ")[2].partition(". ")[0]

    assert set(re.findall(r"`(\w+)`", sentence)) == {option.value for option in AVAILABLE_OPTIONS}


def test_every_metric_stands_in_the_handbook_with_its_labels():
    """The table of metrics is what the code has."""
    section = text_of("docs/administrator.md").partition("| Metric |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*)\|", section, re.MULTILINE)
    listed = {name: {label.strip() for label in labels.split(",") if label.strip()} for name, labels in rows}

    assert listed == metrics_of_the_code()


def test_the_metrics_read_from_the_source_are_those_of_the_library():
    """The reading of the source misses nothing that is registered, and beside it finds only what the ledger tells."""
    assert metrics.INSTANCES
    registered = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in prometheus_client.REGISTRY.collect()
        if family.name.startswith("sonoveil_")
    }
    ledger = {
        "sonoveil_instances_waiting",
        "sonoveil_oldest_waiting_seconds",
        "sonoveil_unconfirmed",
        "sonoveil_oldest_unconfirmed_seconds",
        "sonoveil_storage_free_bytes",
    }

    assert set(metrics_of_the_code()) == registered | ledger


def test_every_alert_stands_in_the_handbook():
    """Whoever is woken by an alert finds what to do."""
    rules = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    section = text_of("docs/administrator.md").partition("## What to do when")[2]

    assert {rule["alert"] for rule in rules} == set(re.findall(r"`(Sonoveil\w+)`", section))


def test_the_example_in_the_readme_is_valid(tmp_path):
    """Whoever starts from the README's example gets no error from `check`."""
    (example,) = re.findall(r"```yaml\n(.*?)```", text_of("README.md"), re.DOTALL)

    assert load_gateway(usable_configuration(example, tmp_path)).rules[0].profile == "ultrasound"


def test_what_is_not_there_yet_is_not_called_a_command():
    """A command that exists must not stand in the README's list of what is missing."""
    missing = text_of("README.md").partition("## Not there yet")[2].partition("\n## ")[0]

    assert "DICOMweb" in missing
    assert not set(re.findall(r"`([a-z]+)`", missing)) & set(cli.COMMANDS)
