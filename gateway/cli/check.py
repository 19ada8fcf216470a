"""`sonoveil check`: tell whether the node is ready to be started."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from config.load import load_gateway
from gateway.cli import DONE, HELD_OR_FAILED
from gateway.cli.common import add_configuration, add_json, print_json, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from config.schema import GatewayConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    subject: str
    fine: bool
    note: str


def check(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_configuration(parser)
    add_json(parser)
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    config = load_gateway(options.config)
    findings = [
        *_models(config),
        *_libraries(),
        *_disk(config),
        *_own_tls(config),
        *_nodes(config),
        *_syntaxes(config),
    ]
    if options.json:
        print_json({"ok": all(finding.fine for finding in findings), "findings": findings})
    else:
        say(f"{options.config}: valid")
        for finding in findings:
            say(f"{'ok  ' if finding.fine else 'FAIL'}  {finding.subject}: {finding.note}")
    return DONE if all(finding.fine for finding in findings) else HELD_OR_FAILED


def _syntaxes(config: GatewayConfig) -> Iterator[_Finding]:
    from pipeline.convert import WRITTEN_WITHOUT_LOSS  # noqa: PLC0415  image libraries

    for name, node in sorted(config.nodes.items()):
        if not node.listed_syntaxes:
            continue
        written = [uid for uid in node.listed_syntaxes if uid in WRITTEN_WITHOUT_LOSS]
        if written:
            note = f"objects in another syntax are written in {written[0]}" + (", or in the next" * (len(written) > 1))
        else:
            note = "none of its transfer_syntaxes can be written without loss; add 1.2.840.10008.1.2.1"
        yield _Finding(subject=f"node {name}", fine=bool(written), note=note)


def _models(config: GatewayConfig) -> Iterator[_Finding]:
    from models.catalog import open_models, verify  # noqa: PLC0415  seconds that other commands need not pay
    from models.errors import ModelUnavailable  # noqa: PLC0415

    for listed in verify(config.models):
        if listed.path is not None:
            fine = listed.fault is None
            yield _Finding(subject=f"model {listed.name}", fine=fine, note=listed.fault or listed.sha256[:12])
    for name, profile in sorted(config.profiles.items()):
        pixels = profile.pixels
        if pixels.text is None:
            continue
        try:
            models = open_models(config.models, text=pixels.text.detector, cone=pixels.cone is not None)
        except ModelUnavailable as error:
            yield _Finding(subject=f"profile {name}", fine=False, note=str(error))
        else:
            yield _Finding(subject=f"profile {name}", fine=True, note=f"models open on {models.device}")


def _libraries() -> Iterator[_Finding]:
    from pipeline.frames import turbojpeg  # noqa: PLC0415  NumPy

    note = "redacted JPEG stays JPEG"
    if turbojpeg.load() is None:
        note = (
            "missing: redacted JPEG is written uncompressed, many times larger (Debian: apt-get install libturbojpeg0)"
        )
    yield _Finding(subject="libturbojpeg", fine=True, note=note)
    can_play = find_spec("av") is not None
    note = "MPEG-2, H.264, HEVC can be redacted" if can_play else "missing: video is held (extra `video`: PyAV)"
    yield _Finding(subject="video", fine=True, note=note)


def _disk(config: GatewayConfig) -> Iterator[_Finding]:
    path = config.storage.path
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    yield _Finding(
        subject="storage.path", fine=os.access(existing, os.W_OK), note=f"{path} {_can_write(existing, path)}"
    )
    free = shutil.disk_usage(existing).free
    note = f"{free / 1e9:.1f} GB free, {config.storage.reserve_space / 1e9:.1f} GB in reserve"
    yield _Finding(subject="storage.reserve_space", fine=free > config.storage.reserve_space, note=note)


def _can_write(existing: Path, path: Path) -> str:
    if not os.access(existing, os.W_OK):
        return "cannot be written by this user"
    return "is writable" if existing == path else "can be created"


def _own_tls(config: GatewayConfig) -> Iterator[_Finding]:
    from gateway.tls import TlsFilesError, listening  # noqa: PLC0415  as in `_nodes`

    web = None if config.dicomweb is None else config.dicomweb.tls
    sections = {"listener.tls": config.listener.tls, "dicomweb.tls": web}
    for subject, tls in sections.items():
        if tls is None:
            continue
        try:
            listening(tls)
        except TlsFilesError as error:
            yield _Finding(subject=subject, fine=False, note=str(error))
        else:
            yield _Finding(subject=subject, fine=True, note="certificate and key fit together")


def _nodes(config: GatewayConfig) -> Iterator[_Finding]:
    from gateway.dicomweb.probe import probe  # noqa: PLC0415  httpx
    from gateway.echo import echo  # noqa: PLC0415  pynetdicom
    from gateway.tls import TlsFilesError  # noqa: PLC0415  same

    for name, node in sorted(config.nodes.items()):
        if node.port is None and node.url is None:
            continue
        try:
            tls = config.tls_towards(name)
            if node.url is not None:
                found = probe(node, tls=tls)
                yield _Finding(subject=f"node {name}", fine=found.answered, note=found.note)
                continue
            outcome = echo(node, calling_ae_title=config.calling_ae_title(name), tls=tls)
        except TlsFilesError as error:
            yield _Finding(subject=f"node {name}", fine=False, note=str(error))
            continue
        if outcome.answered:
            note = "answers C-ECHO"
        else:
            note = f"status 0x{outcome.status:04X}" if outcome.status is not None else str(outcome.why)
        yield _Finding(subject=f"node {name}", fine=outcome.answered, note=note)
