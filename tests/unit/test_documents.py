"""What is written beside the code is true of the code: documents, pictures, deployment files, packaging."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import prometheus_client
import pytest
import yaml

from config.load import load_gateway, write_key
from gateway import cli, metrics
from pipeline.reasons import Reason
from tests.peers.programs import find
from tools import draw_states, draw_way
from tools.drawing import DARK, LIGHT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ALERTS, DASHBOARD = ROOT / "deploy" / "alerts.yaml", ROOT / "deploy" / "dashboard.json"
KUBERNETES = ROOT / "deploy" / "kubernetes" / "sonoveil.yaml"
SHIPPED = ("gateway", "pipeline", "models", "config")


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action.choices, dict):
            return action.choices
    return {}


def _command(name: str) -> argparse.ArgumentParser:
    """Return the parser of one command; the whole parser gives arguments only to the command that is chosen."""
    return _subcommands(cli.parser(chosen=name))[name]


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _links(text: str) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r'(?:src|srcset|href)="([^"]+)"', text)


def _metrics_of_the_code() -> dict[str, set[str]]:
    """Every metric as Prometheus sees it, with its labels; read from the source, which has the labels too."""
    source = _text("gateway/metrics.py")
    found: dict[str, set[str]] = {}
    for kind, name, rest in re.findall(r'(Counter|Gauge|Histogram)\(\s*"(\w+)",(.*?)\n?\)', source, re.DOTALL):
        labels = re.search(r"\[([^\]]*)\]", rest)
        names = set(re.findall(r'"(\w+)"', labels[1])) if labels else set()
        found[f"{name}_total" if kind == "Counter" else name] = names
    for name, rest in re.findall(r'GaugeMetricFamily\(\s*"(\w+)",(.*?)\)\n', source, re.DOTALL):
        labels = re.search(r"labels=\[([^\]]*)\]", rest)
        found[name] = set(re.findall(r'"(\w+)"', labels[1])) if labels else set()
    return found


def _expressions() -> Iterator[str]:
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def _configuration(text: str, tmp_path: Path) -> Path:
    key = tmp_path / "keys" / "key"
    key.parent.mkdir()
    write_key(key)
    text = re.sub(r"key_file: [^\s}]+", f"key_file: {key}", text)
    text = re.sub(r"path: /[^\s,}]+", f"path: {tmp_path / 'storage'}", text)
    path = tmp_path / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    return path


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
    rows = [row.partition(" ") for row in re.findall(r"^\| `sonoveil ([^`]+)` \|", _text("README.md"), re.MULTILINE)]
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
    section = _text("docs/administrator.md").partition("| Reason |")[2].partition("\n\n")[0]

    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == {reason.value for reason in Reason}


def test_every_metric_stands_in_the_handbook_with_its_labels():
    """The table of metrics is what the code has."""
    section = _text("docs/administrator.md").partition("| Metric |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*)\|", section, re.MULTILINE)
    listed = {name: {label.strip() for label in labels.split(",") if label.strip()} for name, labels in rows}

    assert listed == _metrics_of_the_code()


def test_the_metrics_read_from_the_source_are_those_of_the_library():
    """The reading of the source misses nothing that is registered, and beside it finds only what the ledger tells."""
    assert metrics.INSTANCES
    registered = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in prometheus_client.REGISTRY.collect()
        if family.name.startswith("sonoveil_")
    }
    ledger = {"sonoveil_instances_waiting", "sonoveil_oldest_waiting_seconds", "sonoveil_storage_free_bytes"}

    assert set(_metrics_of_the_code()) == registered | ledger


def test_alerts_and_dashboard_name_only_metrics_and_labels_that_exist():
    """A renamed metric would leave an alert that never fires."""
    known = _metrics_of_the_code()
    unknown = []
    for expression in _expressions():
        for name, labels in re.findall(r"(sonoveil_\w+)(?:\{([^}]*)\})?", expression):
            family = re.sub(r"_(bucket|count|sum)$", "", name) if name not in known else name
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels))
            if family not in known or not asked <= known[family]:
                unknown.append(name + labels)

    assert unknown == []
    assert len(list(_expressions())) > 20


def test_reasons_in_alerts_exist():
    """An alert that waits for a reason nobody gives never fires."""
    named = re.findall(r'reason=~?"([^"]+)"', " ".join(_expressions()))
    reasons = {reason for group in named for reason in group.split("|")}

    assert reasons
    assert reasons <= {reason.value for reason in Reason}


def test_every_alert_stands_in_the_handbook():
    """Whoever is woken by an alert finds what to do."""
    rules = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    section = _text("docs/administrator.md").partition("## What to do when")[2]

    assert {rule["alert"] for rule in rules} == set(re.findall(r"`(Sonoveil\w+)`", section))


def test_prometheus_accepts_configuration_and_alerts():
    """Promtool finds nothing wrong with configuration and alerts, and the alerts pass their own tests."""
    promtool = find("promtool")
    folder = ROOT / "deploy"
    checks = (["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yaml"])

    results = [
        subprocess.run([promtool, *check], cwd=folder, capture_output=True, text=True, check=False) for check in checks
    ]

    assert [result.returncode for result in results] == [0, 0], [result.stdout + result.stderr for result in results]


def test_prometheus_understands_every_expression_of_the_dashboard(tmp_path):
    """Each panel's expression parses."""
    expressions = [expression.replace("$__rate_interval", "5m") for expression in _expressions()]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions)]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    result = subprocess.run(
        [find("promtool"), "check", "rules", "panels.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "path",
    sorted([*(ROOT / "deploy").rglob("*.y*ml"), ROOT / ".pre-commit-config.yaml"]),
    ids=lambda path: path.name,
)
def test_yaml_files_parse(path):
    """Every YAML file beside the code is YAML."""
    assert all(list(yaml.safe_load_all(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("path", sorted((ROOT / "deploy").rglob("*.json")), ids=lambda path: path.name)
def test_json_files_parse(path):
    """Every JSON file beside the code is JSON."""
    assert json.loads(path.read_text(encoding="utf-8"))


def test_the_compose_file_mounts_files_that_exist():
    """A missing file would be mounted as an empty folder."""
    services = yaml.safe_load(_text("deploy/compose.yaml"))["services"]
    mounted = [volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    files = [ROOT / "deploy" / source for source in mounted if source.startswith(".")]

    assert len(files) > 5
    assert all(file.is_file() for file in files)


def test_the_gateway_of_the_compose_file_fits_its_peers(tmp_path):
    """Its configuration loads, and names, AE titles and ports are those of the two Orthancs."""
    config = load_gateway(_configuration(_text("deploy/compose/gateway.yaml"), tmp_path))
    services = yaml.safe_load(_text("deploy/compose.yaml"))["services"]

    for name, node in config.nodes.items():
        orthanc = json.loads(_text(f"deploy/compose/{name}.json"))
        assert (node.ae_title, node.port) == (orthanc["DicomAet"], orthanc["DicomPort"])
        assert node.address in services
        assert orthanc["DicomModalities"]["sonoveil"]["AET"] in config.listener.ae_titles
        assert orthanc["DicomModalities"]["sonoveil"]["Port"] == config.listener.port


def test_the_gateway_on_kubernetes_has_a_valid_configuration(tmp_path):
    """The file in the ConfigMap loads, and its ports are those of the container."""
    resources = {resource["kind"]: resource for resource in yaml.safe_load_all(KUBERNETES.read_text(encoding="utf-8"))}
    config = load_gateway(_configuration(resources["ConfigMap"]["data"]["gateway.yaml"], tmp_path))
    (container,) = resources["StatefulSet"]["spec"]["template"]["spec"]["containers"]

    assert {port["containerPort"] for port in container["ports"]} == {config.listener.port, config.metrics.port}
    assert config.metrics.host == "0.0.0.0"
    assert resources["StatefulSet"]["spec"]["replicas"] == 1


def test_the_example_in_the_readme_is_valid(tmp_path):
    """Whoever starts from the README's example gets no error from `check`."""
    (example,) = re.findall(r"```yaml\n(.*?)```", _text("README.md"), re.DOTALL)

    assert load_gateway(_configuration(example, tmp_path)).rules[0].profile == "ultrasound"


def test_what_is_not_there_yet_is_not_called_a_command():
    """A command that exists must not stand in the README's list of what is missing."""
    missing = _text("README.md").partition("## Not there yet")[2].partition("\n## ")[0]

    assert "withdraw" in missing
    assert not set(re.findall(r"`([a-z]+)`", missing)) & set(cli.COMMANDS)


def test_files_that_are_no_code_are_packaged():
    """Whatever the program reads beside its modules is in a wheel, or an installed node would miss it."""
    patterns: dict[str, list[str]] = tomllib.loads(_text("pyproject.toml"))["tool"]["setuptools"]["package-data"]
    listed = subprocess.run(["git", "ls-files", *SHIPPED], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [name for name in listed.stdout.splitlines() if not name.endswith(".py")]
    missing = [name for name in files if not any(PurePosixPath(name).match(each) for each in _globs(patterns))]

    assert files
    assert missing == []


def _globs(patterns: dict[str, list[str]]) -> Iterator[str]:
    for package, each in patterns.items():
        yield from (f"{package}/{pattern}" for pattern in each)


def test_the_image_is_built_from_what_is_shipped():
    """Both targets copy every package, no root user stays, and nothing of the build stage but the installation."""
    dockerfile = _text("Dockerfile")
    stages: dict[str, Any] = dict(
        re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM|\Z)", dockerfile, re.MULTILINE | re.DOTALL)
    )
    ignored = _text(".dockerignore").splitlines()

    for target in ("cpu", "cuda"):
        assert set(re.findall(r"^COPY (\w+) \w+$", stages[f"{target}-build"], re.MULTILINE)) == set(SHIPPED)
        assert f"COPY --from={target}-build /opt/sonoveil /opt/sonoveil" in stages[target]
        assert re.findall(r"^USER (\S+)", stages[target], re.MULTILINE) == ["10001:10001"]
        assert "/healthz" in stages[target]
    assert all(f"!{name}" in ignored for name in SHIPPED)


def test_the_checks_before_a_commit_are_those_of_make_check():
    """The hooks run what `make check` runs, on the whole repository."""
    hooks = [hook for repo in yaml.safe_load(_text(".pre-commit-config.yaml"))["repos"] for hook in repo["hooks"]]
    recipe = _text("Makefile").partition("\ncheck:")[2].partition("\n\n")[0]
    commands = re.findall(r"^\t\$\(BIN\)/(.+)$", recipe, re.MULTILINE)

    assert [hook["entry"].removeprefix(".venv/bin/") for hook in hooks] == commands
    assert all(hook["always_run"] and not hook["pass_filenames"] for hook in hooks)
    assert not any("files" in hook or "exclude" in hook for hook in hooks)
