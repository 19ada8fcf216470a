"""`sonoveil serve`: run the node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.load import load_gateway
from gateway.cli import DONE, UsageError
from gateway.cli.common import add_configuration, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def serve(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_configuration(parser)
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    from gateway import frugal  # noqa: PLC0415  other commands start without the node's libraries

    config = load_gateway(options.config)
    frugal.go_without_pixels()
    from gateway.database import LedgerError  # noqa: PLC0415
    from gateway.node import AlreadyRunningError, Node  # noqa: PLC0415
    from gateway.tls import TlsFilesError  # noqa: PLC0415

    def announce(ports: Mapping[str, int]) -> None:
        web = f"; DICOMweb on port {ports['dicomweb']}" if "dicomweb" in ports else ""
        say(f"DICOM on port {ports['dicom']}{web}; http://{config.metrics.host}:{ports['metrics']}/metrics")

    try:
        Node(config, lambda: load_gateway(options.config)).run(announce=announce)
    except (AlreadyRunningError, LedgerError, TlsFilesError) as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"the node cannot be started: {error.strerror}") from None
    return DONE
