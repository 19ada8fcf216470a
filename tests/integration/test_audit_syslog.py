"""Audit messages over syslog TLS: framed, complete, in order, again after a cut, and to the right repository only."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from config.gateway import GatewayConfig
from gateway.audit_syslog import NotTaken, NotTakenError, Repository
from gateway.auditor import Auditor
from gateway.database import Database
from tests.factories.audit_schema import faults
from tests.peers.audit_repository import audit_repository
from tests.peers.certificates import Authority
from tests.peers.programs import free_port, wait_until

_HEADER = re.compile(
    rb"<(\d+)>1 (\S+) gate\.example sonoveil \d+ DICOM\+RFC3881 - \xef\xbb\xbf(<AuditMessage>.*)", re.DOTALL
)


@pytest.fixture
def authority(tmp_path):
    """Who vouches for both sides."""
    return Authority(tmp_path, "authority")


@pytest.fixture
def database(tmp_path):
    """A ledger."""
    made = Database.create_or_migrate(tmp_path / "ledger.sqlite")
    yield made
    made.close()


def _append(database, count):
    with database.write() as connection:
        for number in range(count):
            database.append_audit(
                connection, actor="user:ä", action="retry", instance_id=None, detail={"count": number, "reason": "ü"}
            )


@pytest.fixture
def auditor_for(tmp_path, authority, database):
    """Return a function that makes an auditor for a port."""
    ours = authority.vouch_for("gateway")
    made = []

    def make(port, *, trusted=authority.certificate, name="127.0.0.1", patience_s=10.0):
        (tmp_path / "key").write_bytes(bytes(32))
        config = GatewayConfig.model_validate(
            {
                "nodes": {"n": {"ae_title": "N", "host": "127.0.0.1"}},
                "storage": {"path": "storage"},
                "rules": ({"name": "default", "fallback": True, "action": "hold"},),
                "secrets": {"key_file": "key"},
                "audit": {
                    "syslog": {
                        "host": "127.0.0.1",
                        "port": port,
                        "tls": {
                            "trusted_certificates": str(trusted),
                            "certificate": str(ours.certificate),
                            "private_key": str(ours.private_key),
                            "server_name": name,
                        },
                    }
                },
            },
            context={"folder": tmp_path},
        )
        repository = Repository(config.audit.syslog, hostname="gate.example", patience_s=patience_s)
        made.append(repository)
        return Auditor(database, config, repository)

    yield make
    for repository in made:
        repository.close()


def _rows(messages):
    """Return the audit rows' numbers, having checked header and XML of each message."""
    numbers = []
    for message in messages:
        match = _HEADER.fullmatch(message)
        assert match, message[:100]
        assert match[1] == b"85"
        assert datetime.fromisoformat(match[2].decode()).utcoffset() is not None
        assert faults(match[3]) == []
        numbers.append(int(re.findall(rb'ParticipantObjectID="(\d+)"', match[3])[-1]))
    return numbers


def test_every_row_arrives_once_in_order_and_is_remembered(authority, database, auditor_for):
    """RFC 5424 header with BOM, RFC 5425 frame, one connection; a second auditor begins where the first ended."""
    _append(database, 250)
    with audit_repository(authority.vouch_for("repository"), authority.certificate) as repository:
        auditor = auditor_for(repository.port)
        sent = []
        while number := auditor.send_some():
            sent.append(number)
        repository.wait_for(250)

        assert sent == [100, 100, 50]
        assert _rows(repository.messages) == list(range(1, 251))
        assert repository.connections == 1
        assert auditor.oldest_unsent_s() == 0
        _append(database, 1)
        assert auditor_for(repository.port).last_taken() == 250
        assert auditor.send_some() == 1
        repository.wait_for(251)


def test_what_was_cut_off_is_sent_again(authority, database, auditor_for):
    """A repository that hangs up after three of twelve messages, whatever its machine had taken, has all in the end."""
    _append(database, 12)
    with audit_repository(authority.vouch_for("repository"), authority.certificate, hangs_up_after=3) as repository:
        auditor = auditor_for(repository.port)

        def has_all():
            try:
                auditor.send_some()
            except NotTakenError as error:
                assert error.why is NotTaken.CLOSED  # noqa: PT017  whether it is raised depends on the moment
            return set(_rows(repository.messages)) == set(range(1, 13))

        wait_until(has_all, what="all twelve rows are there", seconds=30)
        assert _rows(repository.messages) == [1, 2, 3, *range(1, 13)]
        assert auditor.last_taken() == 12


def test_a_repository_that_was_away_gets_everything(authority, database, auditor_for):
    """Nothing counts as taken meanwhile; the age of what waits is known."""
    _append(database, 3)
    port = free_port()
    auditor = auditor_for(port)

    with pytest.raises(NotTakenError) as caught:
        auditor.send_some()
    assert caught.value.why is NotTaken.UNREACHABLE
    assert auditor.last_taken() == 0
    assert auditor.oldest_unsent_s() > 0
    with audit_repository(authority.vouch_for("repository"), authority.certificate, port=port) as repository:
        assert auditor.send_some() == 3
        repository.wait_for(3)
        assert _rows(repository.messages) == [1, 2, 3]
    _append(database, 2)
    with pytest.raises(NotTakenError):
        auditor.send_some()
    assert auditor.last_taken() == 0, "what was sent last over a connection that ended is sent again"
    with audit_repository(authority.vouch_for("again"), authority.certificate, port=port) as repository:
        assert auditor.send_some() == 5
        repository.wait_for(5)
        assert _rows(repository.messages) == [1, 2, 3, 4, 5]


def test_nobody_else_gets_a_message(tmp_path, authority, database, auditor_for):
    """A certificate of another authority, or of another name, ends the handshake."""
    _append(database, 1)
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger")
    with audit_repository(authority.vouch_for("repository"), authority.certificate) as repository:
        for wrong in ({"trusted": stranger.certificate}, {"name": "another.example"}):
            auditor = auditor_for(repository.port, **wrong)
            with pytest.raises(NotTakenError) as caught:
                auditor.send_some()
            assert caught.value.why is NotTaken.TLS
        assert repository.messages == []
        assert auditor.last_taken() == 0
