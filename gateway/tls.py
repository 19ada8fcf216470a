"""TLS contexts of the listener and of the nodes that are called: PS3.15 B.9 to B.12 in what they ask of BCP 195.

TLS 1.2 with forward secrecy and authenticated encryption, or 1.3; the peer's certificate leads back to a trusted one.
Rule of the file: certificates and keys are read here and nowhere else. They are read again when their files change,
so that a renewed certificate needs no restart; where the new ones cannot be used, the old ones stay and a line in the
log says so.
"""

from __future__ import annotations

import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

from gateway import log

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from config.gateway import NodeTls, SyslogTls, Tls

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL:!eNULL:!MD5:!DSS"
"""For TLS 1.2 (RFC 9325, 4.2); those of 1.3 are all acceptable."""
_LOOK_EVERY_S = 5.0

_Stamp = tuple[tuple[int, int, int], ...]


class TlsFilesError(Exception):
    """Certificates or keys cannot be used; the text names files and what the TLS library calls the fault."""


class CallingContext(ssl.SSLContext):
    """A client's context that remembers whether the last handshake failed, which pynetdicom keeps to itself."""

    handshake_failed = False


class _CallingSocket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  the signature of `SSLSocket`
        """Shake hands."""
        context = self.context
        assert isinstance(context, CallingContext)
        context.handshake_failed = False
        try:
            super().do_handshake(block)
        except OSError:  # SSLError is one; a peer that speaks no TLS just closes
            context.handshake_failed = True
            raise


CallingContext.sslsocket_class = _CallingSocket


class RenewedContext:
    """A context that follows its files. For several threads.

    Parameters
    ----------
    make
        Builds the context.
    files
        What it reads.
    clock
        Monotonic seconds; the files are looked at every five.

    Raises
    ------
    TlsFilesError
        The files cannot be used now.
    """

    def __init__(
        self,
        make: Callable[[], ssl.SSLContext],
        files: tuple[Path, ...],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._files = files
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp = self._stamped()
        self._context = _checked(make)
        self._looked_at = clock()

    def current(self) -> ssl.SSLContext:
        """Return the context for the next connection."""
        with self._lock:
            if self._clock() - self._looked_at >= _LOOK_EVERY_S:
                self._looked_at = self._clock()
                self._look()
            return self._context

    def _look(self) -> None:
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._context = _checked(self._make)
        except TlsFilesError:
            log.event("certificates_unusable")
        else:
            log.event("certificates_renewed")

    def _stamped(self) -> _Stamp:
        return tuple(_stamp_of(file) for file in self._files)


class FollowingContext(ssl.SSLContext):
    """A server's context for asyncio, which takes one for all connections: each gets the one of that moment."""

    renewed: RenewedContext

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002  the signature of `SSLContext`
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin a connection."""
        current = self.renewed.current()
        return current.wrap_bio(
            incoming, outgoing, server_side=server_side, server_hostname=server_hostname, session=session
        )


def following(renewed: RenewedContext) -> FollowingContext:
    """Return a context whose connections each get the current one of another."""
    context = FollowingContext(ssl.PROTOCOL_TLS_SERVER)
    context.renewed = renewed
    return context


def _stamp_of(file: Path) -> tuple[int, int, int]:
    try:
        status = file.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _checked(make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    try:
        return make()
    except ssl.SSLError as error:
        reason = (error.reason or "not understood").lower().replace("_", " ")
        raise TlsFilesError(f"a certificate or private key cannot be used: {reason}") from None
    except OSError as error:
        raise TlsFilesError(f"a certificate or private key cannot be read: {error.strerror}") from None


def listening(tls: Tls) -> RenewedContext:
    """Return the context in which callers are answered."""

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _restrict(context)
        _load_own(context, tls.certificate, tls.private_key)
        if tls.trusted_certificates is not None:
            context.load_verify_locations(cafile=tls.trusted_certificates)
            context.verify_mode = ssl.CERT_REQUIRED if tls.require_client_certificate else ssl.CERT_OPTIONAL
        return context

    files = (tls.certificate, tls.private_key, tls.trusted_certificates)
    return RenewedContext(make, tuple(file for file in files if file is not None))


def calling(tls: NodeTls | SyslogTls) -> RenewedContext:
    """Return the context in which a node (`GatewayConfig.tls_towards`) or the audit repository is called."""

    def make() -> ssl.SSLContext:
        context = CallingContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the certificate and the name
        _restrict(context)
        context.load_verify_locations(cafile=tls.trusted_certificates)
        if tls.certificate is not None and tls.private_key is not None:
            _load_own(context, tls.certificate, tls.private_key)
        return context

    files = (tls.certificate, tls.private_key, tls.trusted_certificates)
    return RenewedContext(make, tuple(file for file in files if file is not None))


def _restrict(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION


def _load_own(context: ssl.SSLContext, certificate: Path, private_key: Path) -> None:
    def no_password() -> str:
        # Without this OpenSSL asks on the terminal, and a service has none.
        raise TlsFilesError(f"{private_key} has a password, which nobody could type; write the key without one")

    context.load_cert_chain(certificate, private_key, password=no_password)


def shake_hands(connection: ssl.SSLSocket, *, allowed_s: float) -> None:
    """Complete the handshake of an accepted connection within a time, however slowly the peer drips.

    Raises
    ------
    OSError
        It failed (`ssl.SSLError` with its reason) or took too long (`TimeoutError`).
    """
    stall_s = connection.gettimeout()
    deadline = time.monotonic() + allowed_s
    try:
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            connection.settimeout(remaining)
            try:
                connection.do_handshake()
            except ssl.SSLWantReadError:
                continue
            return
    finally:
        connection.settimeout(stall_s)


def names_of_peer(connection: socket.socket | None) -> frozenset[str] | None:
    """Return the names in the certificate that a peer has shown, lower case; None without TLS or certificate.

    Names are the DNS names, addresses and URIs of Subject Alternative Name, and the common names of the subject.
    """
    return names_in(connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None)


def names_in(certificate: Mapping[str, Any] | None) -> frozenset[str] | None:
    """Return the names in a verified certificate (`getpeercert`); None where there is none."""
    if not certificate:
        return None
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    named = [*certificate.get("subjectAltName", ()), *(pair for pair in subject if pair[0] == "commonName")]
    return frozenset(str(pair[1]).lower() for pair in named)
