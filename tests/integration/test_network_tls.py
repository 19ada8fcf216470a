"""TLS on both sides, against DCMTK's own and against peers that misbehave before they are anybody."""

from __future__ import annotations

import socket
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from config.gateway import Node, NodeTls, Timeouts, Tls
from gateway import tls as gateway_tls
from gateway.echo import echo
from gateway.forward import OutcomeKind, Outgoing, Sender
from gateway.requestor import Failure
from gateway.tls import TlsFilesError, calling, listening
from tests.peers import dcmtk
from tests.peers.certificates import Authority
from tests.peers.programs import free_port, wait_until
from tests.peers.receiving import FolderIntake, clinical_node, loopback_listener, receiving

CT = Path(str(get_testdata_file("CT_small.dcm", download=False)))
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
CT_INSTANCE = "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"


@pytest.fixture
def authority(tmp_path):
    """An authority whose files lie in a folder of their own."""
    (tmp_path / "pki").mkdir()
    return Authority(tmp_path / "pki", "authority")


def tls_listener(authority, **changes):
    """Return a listener with a certificate of the authority's."""
    pair = authority.vouch_for("gateway.example")
    tls = Tls(
        certificate=pair.certificate, private_key=pair.private_key, trusted_certificates=authority.certificate
    ).model_copy(update=changes)
    return loopback_listener(tls=tls, timeouts=Timeouts(association=timedelta(seconds=2)))


def presented(pair, authority):
    """Return storescu's options for a certificate."""
    return ["+tls", str(pair.private_key), str(pair.certificate), "+cf", str(authority.certificate)]


def intake_in(tmp_path):
    """Return an intake in a new folder."""
    (tmp_path / "in").mkdir(exist_ok=True)
    return FolderIntake(folder=tmp_path / "in")


def send(port, options=()):
    """Send one object with storescu."""
    return dcmtk.storescu(port, [CT], calling="CLINICAL", called="SONOVEIL", options=options)


@pytest.mark.peer("dcmtk")
def test_a_modality_with_a_trusted_certificate_stores(authority, tmp_path):
    """Mutual TLS with DCMTK; the object arrives whole."""
    intake = intake_in(tmp_path)
    with receiving(intake, listener=tls_listener(authority)) as receiver:
        done = send(receiver.port, presented(authority.vouch_for("modality.example"), authority))

    assert done.returncode == 0, done.output
    assert CT_INSTANCE in intake.by_instance()


@pytest.mark.peer("dcmtk")
def test_strangers_and_plain_callers_leave_nothing_behind(authority, tmp_path):
    """No certificate, one of another authority, no TLS at all: no association, and the next caller is served."""
    intake = intake_in(tmp_path)
    stranger = Authority(tmp_path, "stranger").vouch_for("modality.example", file="foreign")
    with receiving(intake, listener=tls_listener(authority)) as receiver:
        refused = [
            send(receiver.port),
            send(receiver.port, ["+tla", "+cf", str(authority.certificate)]),
            send(receiver.port, presented(stranger, authority)),
        ]
        served = send(receiver.port, presented(authority.vouch_for("modality.example"), authority))

    assert all(done.returncode != 0 for done in refused)
    assert served.returncode == 0, served.output
    assert len(intake.arrivals) == 1


@pytest.mark.peer("dcmtk")
def test_a_node_is_known_by_the_name_in_its_certificate(authority, tmp_path):
    """Another certificate of the same authority is another node."""
    intake = intake_in(tmp_path)
    nodes = {"clinical": clinical_node(tls=NodeTls(client_name="modality.example"))}
    with receiving(intake, listener=tls_listener(authority), nodes=nodes) as receiver:
        wrong = send(receiver.port, presented(authority.vouch_for("other.example"), authority))
        right = send(receiver.port, presented(authority.vouch_for("modality.example"), authority))

    assert wrong.returncode != 0
    assert right.returncode == 0, right.output
    assert len(intake.arrivals) == 1


def test_a_silent_handshake_is_cut_and_blocks_nobody(authority, tmp_path):
    """A peer that connects and says nothing, and one that drips a byte now and then."""
    intake = intake_in(tmp_path)
    pair = authority.vouch_for("modality.example")
    with receiving(intake, listener=tls_listener(authority)) as receiver:
        silent = socket.create_connection(("127.0.0.1", receiver.port))
        dripping = socket.create_connection(("127.0.0.1", receiver.port))
        dripping.sendall(b"\x16\x03\x01")
        context = ssl.create_default_context(cafile=str(authority.certificate))
        context.load_cert_chain(pair.certificate, pair.private_key)
        with context.wrap_socket(
            socket.create_connection(("127.0.0.1", receiver.port)), server_hostname="gateway.example"
        ) as third:
            assert third.version() in ("TLSv1.2", "TLSv1.3")
        for connection in (silent, dripping):
            connection.settimeout(10)
            assert connection.recv(64)[:1] in (b"", b"\x15")  # closed, with or without an alert
            connection.close()


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning")
def test_old_versions_and_weak_ciphers_are_not_spoken(authority, tmp_path):
    """TLS 1.1, and TLS 1.2 without forward secrecy."""
    with receiving(intake_in(tmp_path), listener=tls_listener(authority)) as receiver:
        for change in ("version", "cipher"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if change == "version":
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            else:
                context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("AES256-GCM-SHA384:@SECLEVEL=0" if change == "cipher" else "ALL:@SECLEVEL=0")
            with (
                socket.create_connection(("127.0.0.1", receiver.port)) as connection,
                pytest.raises((ssl.SSLError, ConnectionError)),
            ):
                context.wrap_socket(connection)


def node(port, tls):
    """Return a target on loopback."""
    return Node(ae_title="RESEARCH", host=("127.0.0.1",), port=port, tls=tls, timeout=timedelta(seconds=10))


def outgoing():
    """Return the CT as an object to send."""
    return Outgoing(
        path=CT,
        sop_class_uid=CT_CLASS,
        sop_instance_uid=CT_INSTANCE,
        transfer_syntax_uid=EXPLICIT_LITTLE,
        token="1",
    )


def sent_to(port, tls):
    """Send the CT and return what became of it."""
    with Sender("research", node(port, tls), calling_ae_title="SONOVEIL", tls=tls) as sender:
        return next(iter(sender.send([outgoing()])))


@pytest.mark.peer("dcmtk")
def test_a_target_is_called_with_tls_and_must_be_who_it_is(authority, tmp_path):
    """DCMTK's storescp as the research PACS: trusted, with another name, of another authority, without TLS."""
    scp_pair = authority.vouch_for("research.example")
    ours = authority.vouch_for("gateway.example")
    good = NodeTls(
        certificate=ours.certificate, private_key=ours.private_key, trusted_certificates=authority.certificate
    )
    foreign = good.model_copy(update={"trusted_certificates": Authority(tmp_path, "stranger").certificate})
    options = ["+tls", str(scp_pair.private_key), str(scp_pair.certificate), "+cf", str(authority.certificate)]
    with dcmtk.storescp(tmp_path / "scp", options=["+B", "+xa", "-pm", *options]) as scp:
        right = sent_to(scp.port, good)
        named = sent_to(scp.port, good.model_copy(update={"server_name": "research.example"}))
        wrong_name = sent_to(scp.port, good.model_copy(update={"server_name": "elsewhere.example"}))
        untrusted = sent_to(scp.port, foreign)
        plain = sent_to(scp.port, None)
        answered = echo(node(scp.port, good), calling_ae_title="SONOVEIL", tls=good)
    with dcmtk.storescp(tmp_path / "plain") as scp:
        no_tls = sent_to(scp.port, good)
    nobody = sent_to(free_port(), good)

    assert right.kind is named.kind is OutcomeKind.SENT
    assert answered.answered
    assert wrong_name.why is untrusted.why is no_tls.why is Failure.TLS
    assert plain.kind is OutcomeKind.LATER
    assert nobody.why is Failure.UNREACHABLE


def test_a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not(authority, tmp_path, capfd):
    """The old context stays until the new files fit together."""
    pair = authority.vouch_for("first.example", file="gateway")
    renewed = listening(
        Tls(certificate=pair.certificate, private_key=pair.private_key, require_client_certificate=False)
    )
    now = [renewed._looked_at]
    renewed._clock = lambda: now[0]
    first = renewed.current()

    pair.private_key.write_text("garbage")
    now[0] += 10
    assert renewed.current() is first
    authority.vouch_for("second.example", file="gateway")
    now[0] += 10
    second = renewed.current()

    assert second is not first
    assert renewed.current() is second
    said = capfd.readouterr().err
    assert '"certificates_unusable"' in said
    assert '"certificates_renewed"' in said


def test_files_that_cannot_be_used_are_named_for_a_person(authority, tmp_path):
    """A key that is not the certificate's, a key with a password, garbage, nothing."""
    pair, other = authority.vouch_for("a.example"), authority.vouch_for("b.example")
    garbage = tmp_path / "garbage"
    garbage.write_text("garbage")
    for certificate, key in (
        (pair.certificate, other.private_key),
        (garbage, pair.private_key),
        (pair.certificate, garbage),
        (tmp_path / "missing", pair.private_key),
    ):
        with pytest.raises(TlsFilesError, match="certificate or private key"):
            listening(Tls(certificate=certificate, private_key=key, require_client_certificate=False))
    with pytest.raises(TlsFilesError, match="certificate or private key"):
        calling(NodeTls(trusted_certificates=garbage))


def test_the_handshake_has_a_deadline_of_its_own(authority, monkeypatch, tmp_path):
    """However slowly a peer drips, each byte does not begin the wait anew."""
    ours, theirs = socket.socketpair()
    pair = authority.vouch_for("gateway.example")
    context = listening(
        Tls(certificate=pair.certificate, private_key=pair.private_key, require_client_certificate=False)
    ).current()
    wrapped = context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False)
    ticks = iter(range(100))
    monkeypatch.setattr(gateway_tls.time, "monotonic", lambda: float(next(ticks)))
    theirs.sendall(b"\x16\x03\x01\x01")

    with pytest.raises(OSError, match=r"timed out|^$"):
        gateway_tls.shake_hands(wrapped, allowed_s=1.5)

    wrapped.close()
    theirs.close()
    wait_until(lambda: wrapped.fileno() == -1, what="closed")
