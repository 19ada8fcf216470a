"""Who may open an association, and for what.

Rule of the file: a decision is a pure function of the configuration, the two AE titles, the caller's address and
its certificate; only host names of the configuration are looked up, and a name that cannot be resolved admits nobody.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.statuses import Rejection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from config.gateway import Listener, Node

UNKNOWN_NODE = "unknown"
"""The node name of a caller that is not configured, where `reject_unknown_sources` is off."""

_NAME_LIFETIME_S = 60.0
_LITERAL = re.compile(r"[0-9A-Fa-f:.]+(?:/[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A peer that was let in.

    Parameters
    ----------
    node_name
        As configured, or `UNKNOWN_NODE`.
    calling_aet, called_aet
        Without padding.
    """

    node_name: str
    calling_aet: str
    called_aet: str
    may_store: bool
    may_echo: bool
    may_report: bool
    """Whether we ask it for storage commitment, so that it may call to answer."""


def addresses_of(host: str) -> frozenset[str]:
    """Look a host name up: its addresses as text, none when it cannot be resolved."""
    try:
        return frozenset(str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except OSError:
        return frozenset()


class Admission:
    """The list of known callers.

    Parameters
    ----------
    listener
        Our AE titles, whether they are checked, and whether unknown callers are taken.
    nodes
        The configured peers by name. The first whose AE title and host both match is the caller.
    look_up
        Host name to addresses; replaced in tests.
    clock
        Monotonic seconds; names are looked up again after a minute.
    """

    def __init__(
        self,
        listener: Listener,
        nodes: Mapping[str, Node],
        *,
        look_up: Callable[[str], frozenset[str]] = addresses_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listener = listener
        self._nodes = dict(nodes)
        self._look_up = look_up
        self._clock = clock
        self._known: dict[str, tuple[float, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def decide(
        self, *, calling_aet: str, called_aet: str, address: str, certificate_names: frozenset[str] | None
    ) -> Caller | Rejection:
        """Decide about one association.

        Parameters
        ----------
        calling_aet, called_aet
            As they stand in the A-ASSOCIATE-RQ; padding does not matter, case does (PS3.5 6.2, AE).
        address
            The caller's IP address.
        certificate_names
            What its certificate says it is, lower case; None where it has shown none.
        """
        calling_aet, called_aet = calling_aet.strip(" \0"), called_aet.strip(" \0")
        if self._listener.check_called_aet and called_aet not in self._listener.ae_titles:
            return Rejection.CALLED_AET
        for name, node in self._nodes.items():
            if not is_certified(node, certificate_names):
                continue
            if node.ae_title and node.ae_title == calling_aet and self.comes_from(name, address):
                if not (node.allow_store or node.allow_echo or node.storage_commitment):
                    return Rejection.CALLING_AET
                return Caller(
                    node_name=name,
                    calling_aet=calling_aet,
                    called_aet=called_aet,
                    may_store=node.allow_store,
                    may_echo=node.allow_echo,
                    may_report=node.storage_commitment,
                )
        if self._listener.reject_unknown_sources:
            return Rejection.CALLING_AET
        return Caller(
            node_name=UNKNOWN_NODE,
            calling_aet=calling_aet,
            called_aet=called_aet,
            may_store=True,
            may_echo=True,
            may_report=False,
        )

    def comes_from(self, node_name: str, address: str) -> bool:
        """Tell whether a caller at an address calls from one of a node's hosts."""
        return any(self._is_at(host, address) for host in self._nodes[node_name].host)

    def _is_at(self, host: str, address: str) -> bool:
        caller = _plain(address)
        if _LITERAL.fullmatch(host) and ("." in host or ":" in host):
            try:
                return caller in ipaddress.ip_network(host, strict=False)
            except ValueError:
                pass  # a name made of hexadecimal letters and dots, such as `cafe.de`
        return any(_plain(known) == caller for known in self._resolved(host))

    def _resolved(self, host: str) -> frozenset[str]:
        now = self._clock()
        with self._lock:
            looked_up = self._known.get(host)
        if looked_up is not None and now - looked_up[0] < _NAME_LIFETIME_S:
            return looked_up[1]
        addresses = self._look_up(host)
        with self._lock:
            self._known[host] = (now, addresses)
        return addresses


def is_certified(node: Node, names: frozenset[str] | None) -> bool:
    """Tell whether a certificate's names are what a node must show; any are where it need not show one."""
    wanted = node.tls.client_name if node.tls is not None else None
    return wanted is None or (names is not None and wanted.lower() in names)


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read an address; an IPv4 address inside IPv6 is an IPv4 address, and a zone is no part of it."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
