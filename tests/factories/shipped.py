"""What is shipped beside the code, read for the tests that hold it to the code."""

from __future__ import annotations

import re
from pathlib import Path

from config.load import write_key

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "pipeline", "models", "config")
ALERTS = ROOT / "deploy" / "alerts.yaml"


def text_of(name: str) -> str:
    """Return the content of a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def metrics_of_the_code() -> dict[str, set[str]]:
    """Every metric as Prometheus sees it, with its labels; read from the source, which has the labels too."""
    source = text_of("gateway/metrics.py")
    found: dict[str, set[str]] = {}
    for kind, name, rest in re.findall(r'(Counter|Gauge|Histogram)\(\s*"(\w+)",(.*?)\n?\)', source, re.DOTALL):
        labels = re.search(r"\[([^\]]*)\]", rest)
        names = set(re.findall(r'"(\w+)"', labels[1])) if labels else set()
        found[f"{name}_total" if kind == "Counter" else name] = names
    for name, rest in re.findall(r'GaugeMetricFamily\(\s*"(\w+)",(.*?)\)\n', source, re.DOTALL):
        labels = re.search(r"labels=\[([^\]]*)\]", rest)
        found[name] = set(re.findall(r'"(\w+)"', labels[1])) if labels else set()
    return found


def usable_configuration(text: str, tmp_path: Path) -> Path:
    """Write a `gateway.yaml` with a key that exists and a storage of the test's own; return its path."""
    key = tmp_path / "keys" / "key"
    key.parent.mkdir()
    write_key(key)
    text = re.sub(r"key_file: [^\s}]+", f"key_file: {key}", text)
    text = re.sub(r"path: /[^\s,}]+", f"path: {tmp_path / 'storage'}", text)
    path = tmp_path / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    return path
