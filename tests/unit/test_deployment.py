"""What runs the product is true of the product: image, compose, Kubernetes, systemd, alerts, dashboard, packaging."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from config.load import load_gateway
from gateway import cli
from pipeline.reasons import Reason
from tests.factories.shipped import ALERTS, PACKAGES, ROOT, metrics_of_the_code, text_of, usable_configuration
from tests.peers.programs import find

if TYPE_CHECKING:
    from collections.abc import Iterator

DASHBOARD = ROOT / "deploy" / "dashboard.json"
KUBERNETES = ROOT / "deploy" / "kubernetes" / "sonoveil.yaml"


def _expressions() -> Iterator[str]:
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_alerts_and_dashboard_name_only_metrics_and_labels_that_exist():
    """A renamed metric would leave an alert that never fires."""
    known = metrics_of_the_code()
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
    services = yaml.safe_load(text_of("deploy/compose.yaml"))["services"]
    mounted = [volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    files = [ROOT / "deploy" / source for source in mounted if source.startswith(".")]

    assert len(files) > 5
    assert all(file.is_file() for file in files)


def test_the_gateway_of_the_compose_file_fits_its_peers(tmp_path):
    """Its configuration loads, and names, AE titles and ports are those of the two Orthancs."""
    config = load_gateway(usable_configuration(text_of("deploy/compose/gateway.yaml"), tmp_path))
    services = yaml.safe_load(text_of("deploy/compose.yaml"))["services"]

    for name, node in config.nodes.items():
        orthanc = json.loads(text_of(f"deploy/compose/{name}.json"))
        assert (node.ae_title, node.port) == (orthanc["DicomAet"], orthanc["DicomPort"])
        assert node.address in services
        assert orthanc["DicomModalities"]["sonoveil"]["AET"] in config.listener.ae_titles
        assert orthanc["DicomModalities"]["sonoveil"]["Port"] == config.listener.port


def test_the_gateway_on_kubernetes_has_a_valid_configuration(tmp_path):
    """The file in the ConfigMap loads, and its ports are those of the container."""
    resources = {resource["kind"]: resource for resource in yaml.safe_load_all(KUBERNETES.read_text(encoding="utf-8"))}
    config = load_gateway(usable_configuration(resources["ConfigMap"]["data"]["gateway.yaml"], tmp_path))
    (container,) = resources["StatefulSet"]["spec"]["template"]["spec"]["containers"]

    assert {port["containerPort"] for port in container["ports"]} == {config.listener.port, config.metrics.port}
    assert config.metrics.host == "0.0.0.0"
    assert resources["StatefulSet"]["spec"]["replicas"] == 1


def test_files_that_are_no_code_are_packaged():
    """Whatever the program reads beside its modules is in a wheel, or an installed node would miss it."""
    patterns: dict[str, list[str]] = tomllib.loads(text_of("pyproject.toml"))["tool"]["setuptools"]["package-data"]
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [name for name in listed.stdout.splitlines() if not name.endswith(".py")]
    missing = [name for name in files if not any(PurePosixPath(name).match(each) for each in _globs(patterns))]

    assert files
    assert missing == []


def _globs(patterns: dict[str, list[str]]) -> Iterator[str]:
    for package, each in patterns.items():
        yield from (f"{package}/{pattern}" for pattern in each)


def test_the_image_is_built_from_what_is_shipped():
    """Both targets copy every package, no root user stays, and nothing of the build stage but the installation."""
    dockerfile = text_of("Dockerfile")
    stages: dict[str, Any] = dict(
        re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM|\Z)", dockerfile, re.MULTILINE | re.DOTALL)
    )
    ignored = text_of(".dockerignore").splitlines()

    for target in ("cpu", "cuda"):
        assert set(re.findall(r"^COPY (\w+) \w+$", stages[f"{target}-build"], re.MULTILINE)) == set(PACKAGES)
        assert f"COPY --from={target}-build /opt/sonoveil /opt/sonoveil" in stages[target]
        assert re.findall(r"^USER (\S+)", stages[target], re.MULTILINE) == ["10001:10001"]
        assert "/healthz" in stages[target]
    assert all(f"!{name}" in ignored for name in PACKAGES)


def test_unit_and_image_start_the_node_with_a_command_that_exists():
    """What systemd and the image run is understood by the command line."""
    unit = re.search(r"^ExecStart=/opt/sonoveil/bin/sonoveil (.+)$", text_of("deploy/gateway.service"), re.MULTILINE)
    images = [json.loads(command) for command in re.findall(r"^CMD (\[.+\])$", text_of("Dockerfile"), re.MULTILINE)]
    assert unit is not None

    started = [cli.parser(chosen="serve").parse_args(arguments) for arguments in (unit[1].split(), *images)]

    assert [str(options.config) for options in started] == ["/etc/sonoveil/gateway.yaml"] * 3


def test_the_checks_before_a_commit_are_those_of_make_check():
    """The hooks run what `make check` runs, on the whole repository."""
    hooks = [hook for repo in yaml.safe_load(text_of(".pre-commit-config.yaml"))["repos"] for hook in repo["hooks"]]
    recipe = text_of("Makefile").partition("\ncheck:")[2].partition("\n\n")[0]
    commands = re.findall(r"^\t\$\(BIN\)/(.+)$", recipe, re.MULTILINE)

    assert [hook["entry"].removeprefix(".venv/bin/") for hook in hooks] == commands
    assert all(hook["always_run"] and not hook["pass_filenames"] for hook in hooks)
    assert not any("files" in hook or "exclude" in hook for hook in hooks)
