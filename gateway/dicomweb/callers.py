"""Who may store by DICOMweb: a node is known by its token, its certificate, or both, and where it has hosts, by these.

Rule of the file: an address alone lets nobody in. All nodes are compared, so that the time says nothing of which one
was nearly right.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.admission import Admission, Caller, is_certified
from gateway.dicomweb.tokens import TokenFile

if TYPE_CHECKING:
    from config.gateway import Node
    from config.schema import GatewayConfig


class Refusal(StrEnum):
    """Why a caller is turned away."""

    CREDENTIALS = "credentials"
    """No token or certificate of a node was shown."""
    ADDRESS = "address"
    """The node is known, and does not call from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    node: Node
    token: TokenFile | None


class Callers:
    """The nodes that may store by DICOMweb.

    Parameters
    ----------
    config
        Of the node; those with `allow_store` and with a `caller_token_file` or a `client_name` are callers.

    Raises
    ------
    config.tokens.TokenUnusableError
        A token's file cannot be used.
    """

    def __init__(self, config: GatewayConfig) -> None:
        self._admission = Admission(config.listener, config.nodes)
        self._called_aet = config.listener.ae_titles[0]
        self._known = {
            name: _Known(node=node, token=TokenFile(node.caller_token_file) if node.caller_token_file else None)
            for name, node in config.nodes.items()
            if node.allow_store and (node.caller_token_file or (node.tls is not None and node.tls.client_name))
        }

    def decide(
        self, *, authorization: str | None, address: str, certificate_names: frozenset[str] | None
    ) -> Caller | Refusal:
        """Decide about one request.

        Parameters
        ----------
        authorization
            The header of that name.
        address
            The caller's IP address.
        certificate_names
            What its verified certificate says it is, lower case; None where it has shown none.
        """
        shown = {
            name: known.token is None or known.token.is_shown_by(authorization) for name, known in self._known.items()
        }
        named = [name for name in shown if shown[name] and is_certified(self._known[name].node, certificate_names)]
        for name in named:
            node = self._known[name].node
            if not node.host or self._admission.comes_from(name, address):
                return Caller(
                    node_name=name,
                    calling_aet=node.ae_title,
                    called_aet=self._called_aet,
                    may_store=True,
                    may_echo=False,
                    may_report=False,
                )
        return Refusal.ADDRESS if named else Refusal.CREDENTIALS
