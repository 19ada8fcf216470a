"""The audit's hash chain: what stands there cannot be changed without being found."""

import json
from itertools import pairwise

import pytest
from alembic import command

from gateway.audit_chain import BEFORE_THE_FIRST, read, row_sha256, verify
from gateway.database import Database, migrations
from gateway.reconcile import reconcile

_TRIGGERS = ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete")


def _write(node, count=5):
    for number in range(count):
        with node.database.write() as connection:
            node.database.append_audit(
                connection, actor="user:t", action="retry", instance_id=number, detail={"b": 1.5, "a": "é\n", "c": None}
            )
        node.clock.now += 0.1


def _write_and_fail(node):
    with node.database.write() as connection:
        node.database.append_audit(connection, actor="node", action="x", instance_id=None, detail={})
        raise LookupError


def _tamper(node, *statements):
    """Change the audit as somebody with the file can."""
    with node.database.write() as connection:
        for statement in (*_TRIGGERS, *statements):
            connection.exec_driver_sql(statement)


def test_what_the_node_writes_holds(node):
    """Whoever writes, each row follows the one before."""
    node.clean("1.1")
    node.arrive("1.1", b"other")
    node.decisions.reject(2, reason="r")
    rows = list(read(node.database))

    chain = verify(node.database)

    assert chain.holds
    assert (chain.rows, chain.last_id, chain.last_sha256) == (len(rows), rows[-1].id, rows[-1].sha256)
    assert rows[0].previous_sha256 == BEFORE_THE_FIRST
    assert all(row.previous_sha256 == before.sha256 for before, row in pairwise(rows))
    assert len(rows) >= 4


def test_an_empty_audit_holds(node):
    """There is nothing to doubt."""
    assert verify(node.database).holds
    assert verify(node.database).rows == 0


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET actor='user:other' WHERE id=3", 3),
        ("UPDATE audit SET at=at+0.001 WHERE id=3", 3),
        ("UPDATE audit SET action='reject' WHERE id=3", 3),
        ("UPDATE audit SET instance_id=NULL WHERE id=3", 3),
        ("UPDATE audit SET detail='{}' WHERE id=3", 3),
        ("UPDATE audit SET detail='no JSON' WHERE id=3", 3),
        ("UPDATE audit SET detail='{\"a\": NaN}' WHERE id=3", 3),
        ("UPDATE audit SET detail='[1]' WHERE id=3", 3),
        ("UPDATE audit SET detail='\"x\"' WHERE id=3", 3),
        ("UPDATE audit SET sha256=zeroblob(32) WHERE id=3", 3),
        ("UPDATE audit SET previous_sha256=zeroblob(32) WHERE id=3", 3),
        ("DELETE FROM audit WHERE id=3", 4),
        ("DELETE FROM audit WHERE id=1", 2),
        ("DELETE FROM audit WHERE id=5", 5),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET id=9 WHERE id=5", 9),
    ],
)
def test_what_was_changed_or_removed_is_named(node, statement, broken):
    """The first row that does not fit, wherever it is; the reconciliation names it too."""
    _write(node)
    _tamper(node, statement)

    chain = verify(node.database)

    assert not chain.holds
    assert chain.broken_id == broken
    kinds = {(d.kind, d.subject) for d in reconcile(node.database, node.spool).discrepancies}
    assert kinds == {("audit_chain_broken", f"audit {broken}")}


def test_an_end_that_was_cut_off_is_found_also_after_more_was_written(node):
    """The next row has a number that does not follow."""
    _write(node)
    _tamper(node, "DELETE FROM audit WHERE id >= 4")
    _write(node, 1)

    assert verify(node.database).broken_id == 6


def test_a_chain_that_was_written_anew_does_not_have_what_was_noted(node):
    """Everything fits, but for the hash that somebody kept elsewhere."""
    _write(node)
    noted = (3, next(row.sha256 for row in read(node.database) if row.id == 3))
    assert verify(node.database, noted=noted).holds
    previous = BEFORE_THE_FIRST
    changes = []
    for row in read(node.database):
        content = {"at": row.at, "actor": "user:nobody", "action": row.action, "instance_id": row.instance_id}
        sha256 = row_sha256(previous, **content, detail=row.detail)
        changes.append(
            f"UPDATE audit SET actor='user:nobody', previous_sha256=x'{previous.hex()}', sha256=x'{sha256.hex()}' "
            f"WHERE id={row.id}"
        )
        previous = sha256
    _tamper(node, *changes)

    assert verify(node.database).holds
    assert verify(node.database, noted=noted).broken_id == 3
    assert verify(node.database, noted=(99, noted[1])).broken_id == 6


def test_a_row_that_is_rolled_back_leaves_no_gap(node):
    """Numbers are given out by the transaction that keeps them."""
    _write(node, 2)
    with pytest.raises(LookupError):
        _write_and_fail(node)
    _write(node, 1)

    assert verify(node.database).holds
    assert verify(node.database).rows == 3


def test_long_audits_are_read_in_parts(node, monkeypatch):
    """At the seams too."""
    monkeypatch.setattr("gateway.audit_chain._BATCH", 2)
    _write(node, 4)

    assert verify(node.database).rows == 4
    assert [row.id for row in read(node.database, after=1)] == [2, 3, 4]


def test_the_migration_chains_what_stands_there(tmp_path):
    """Numbers, times, details stay; triggers forbid changes again; the numbering goes on."""
    path = tmp_path / "ledger.sqlite"
    database = Database(path)
    config = migrations()
    rows = [
        (number, number / 7, "node", "receive", number, json.dumps({"node": "é", "n": 1.1}))
        for number in range(1, 2501)
    ]
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.exec_driver_sql(
            "INSERT INTO audit (id, at, actor, action, instance_id, detail) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
    database.close()

    database = Database.create_or_migrate(path)

    assert verify(database).holds
    assert verify(database).rows == 2500
    kept = [(row.id, row.at, row.actor, row.action, row.instance_id, json.dumps(row.detail)) for row in read(database)]
    assert kept == rows
    with database.write() as connection:
        database.append_audit(connection, actor="node", action="start", instance_id=None, detail={})
    assert verify(database).last_id == 2501
    for verb in ("UPDATE audit SET at=0", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append-only"), database.write() as connection:
            connection.exec_driver_sql(verb)
    database.close()
