"""The accounting equation, and what contradicts it."""

import pytest
import sqlalchemy as sa

from config.schema import Retention
from gateway import reconcile as module
from gateway.housekeeping import apply_retention, clean_up_after_crash
from gateway.reconcile import reconcile
from gateway.spool import Shelf
from gateway.tables import instance


@pytest.fixture(autouse=True)
def _no_second_look_delay(monkeypatch):
    monkeypatch.setattr(module, "_SECOND_LOOK_AFTER_S", 0)


def _populated(node):
    """One instance in most states; return their numbers by state."""
    numbers = {"clean": node.clean("1.1")}
    numbers["sent"] = node.clean("1.2")
    for claimed in node.deliveries.claim("research", "f", limit=10, lease_s=60):
        if claimed.instance_id == numbers["sent"]:
            node.deliveries.record_sent(claimed, status=0)
        else:
            node.deliveries.give_back([claimed])
    node.arrive("1.2", content=b"1.2")
    node.arrive("1.3", content=b"waiting")
    return numbers


def _kinds(node, **options):
    return {(d.kind, d.subject) for d in reconcile(node.database, node.spool, **options).discrepancies}


def test_everything_acknowledged_is_in_exactly_one_state(node):
    """The sum holds and each term is what it should be."""
    _populated(node)

    account = reconcile(node.database, node.spool, hash_outputs=True)

    assert account.balanced
    assert account.counts.acknowledged == 4
    shown = {state: number for state, number in account.counts.states.items() if number}
    assert shown == {"received": 1, "clean": 1, "sent": 1, "suppressed": 1}


def test_a_deleted_row_is_named_by_its_receipt(node):
    """The receipts journal knows better than the rows."""
    token, _ = node.arrive("9.9", b"lost")
    with node.database.write() as connection:
        connection.execute(instance.delete().where(instance.c.token == token))

    assert ("acknowledged_but_no_row", f"receipt {token}") in _kinds(node)
    assert ("file_without_row", f"originals/{token}") in _kinds(node)


def test_a_deleted_receipt_is_named_by_its_row(node):
    """Somebody had to drop the trigger first."""
    token, _ = node.arrive()
    with node.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER receipt_no_delete")
        connection.exec_driver_sql("DELETE FROM receipt WHERE token = ?", (token,))

    assert _kinds(node) == {("row_without_receipt", "instance 1")}


@pytest.mark.parametrize("shelf", list(Shelf))
def test_a_deleted_file_is_named(node, shelf):
    """Originals and outputs alike."""
    number = node.clean()
    shown = node.decisions.show(number)
    token = shown["token"] if shelf is Shelf.ORIGINALS else shown["output_token"]
    node.spool.remove(shelf, token)

    assert _kinds(node) == {("file_missing", f"{shelf}/{token}")}


def test_a_changed_file_is_named(node):
    """Another length is seen at once, other bytes of the same length when hashing."""
    number = node.clean()
    token = node.decisions.show(number)["output_token"]
    path = node.spool.path(Shelf.OUTPUTS, token)

    path.write_bytes(b"tamper")
    assert _kinds(node) == set()
    assert _kinds(node, hash_outputs=True) == {("file_bytes_differ", f"outputs/{token}")}
    path.write_bytes(b"longer than before")
    assert ("file_size_differs", f"outputs/{token}") in _kinds(node)


def test_an_undecided_correction_is_a_discrepancy_and_a_repeated_send_is_none(node):
    """Other bytes under a known UID make the account fail until somebody decides."""
    node.arrive("1.1", b"one")
    node.arrive("1.1", b"one")
    assert reconcile(node.database, node.spool).balanced
    node.arrive("1.1", b"two")

    assert _kinds(node) == {("differing_resend_undecided", "instance 3")}
    node.decisions.reject(3, reason="r")
    assert reconcile(node.database, node.spool).balanced


def test_contradictory_states_are_named(node):
    """Done with an open delivery, and clean without any."""
    numbers = _populated(node)
    with node.database.write() as connection:
        connection.exec_driver_sql("UPDATE delivery SET state='waiting' WHERE instance_id=?", (numbers["sent"],))
        connection.exec_driver_sql("DELETE FROM delivery WHERE instance_id=?", (numbers["clean"],))

    assert _kinds(node) == {
        ("done_with_open_delivery", f"instance {numbers['sent']}"),
        ("clean_without_delivery", f"instance {numbers['clean']}"),
    }


def test_start_up_removes_what_was_never_acknowledged_and_nothing_else(node):
    """Part files, unnamed outputs and unacknowledged originals go; an acknowledged original without a row stays."""
    _populated(node)
    (node.spool.incoming / "x.part").write_bytes(b"half")
    unacknowledged = node.put(Shelf.ORIGINALS, b"never acknowledged")
    unnamed = node.put(Shelf.OUTPUTS, b"never recorded")
    lost, _ = node.arrive("9.9", b"row lost")
    with node.database.write() as connection:
        connection.execute(instance.delete().where(instance.c.token == lost))

    clean_up_after_crash(node.database, node.spool)

    assert not list(node.spool.incoming.iterdir())
    assert not node.spool.path(Shelf.ORIGINALS, unacknowledged).exists()
    assert not node.spool.path(Shelf.OUTPUTS, unnamed).exists()
    assert node.spool.path(Shelf.ORIGINALS, lost).exists()
    kinds = {d.kind for d in reconcile(node.database, node.spool).discrepancies}
    assert kinds == {"acknowledged_but_no_row", "file_without_row"}


def test_retention_deletes_what_is_done_and_the_account_still_balances(node):
    """Originals of sent instances go at once, outputs after their time; the rest keeps its bytes."""
    numbers = _populated(node)
    sent = node.decisions.show(numbers["sent"])

    apply_retention(node.database, node.spool, Retention())
    assert not node.spool.path(Shelf.ORIGINALS, sent["token"]).exists()
    assert node.spool.path(Shelf.OUTPUTS, sent["output_token"]).exists()
    node.clock.now += 4 * 86400
    apply_retention(node.database, node.spool, Retention())

    assert not node.spool.path(Shelf.OUTPUTS, sent["output_token"]).exists()
    with node.database.read() as connection:
        kept = connection.execute(sa.select(instance.c.id).where(instance.c.original_kept)).scalars().all()
    assert numbers["clean"] in kept
    assert reconcile(node.database, node.spool).balanced
