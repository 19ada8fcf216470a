"""A configuration that loads, to be spoiled by the tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config.load import write_key

GOOD = """\
listener: {ae_titles: [SONOVEIL]}
nodes:
  clinical: {ae_title: CLINICAL, host: [10.0.0.5, 10.0.8.0/24], allow_store: true}
  research: {ae_title: RESEARCH, host: 10.0.1.7, port: 104}
storage: {path: store}
rules:
  - {name: echo, from: clinical, profile: research, project: p1, target: [research]}
  - {name: default, fallback: true, action: hold}
secrets: {key_file: secret/key}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a good key file in `secret/key`."""
    (tmp_path / "secret").mkdir()
    write_key(tmp_path / "secret" / "key")
    return tmp_path


@pytest.fixture
def gateway_file(folder: Path) -> Callable[..., Path]:
    """Return a function that writes a `gateway.yaml` with parts of the good one replaced."""

    def write(*changes: tuple[str, str], text: str = GOOD) -> Path:
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        file = folder / "gateway.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def profile_file(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a profile."""

    def write(text: str) -> Path:
        file = tmp_path / "own.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write
