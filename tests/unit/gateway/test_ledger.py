"""Instances in the ledger: arrival, duplicates, claims, outcomes."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.database import REVISION, Database, LedgerError, migrations
from gateway.entries import Route
from gateway.states import InstanceState
from gateway.tables import METADATA, audit, instance, receipt
from pipeline.reasons import Reason

from .conftest import ROUTE, WORKER


def test_migrations_make_the_tables_that_the_code_uses(node):
    """No difference is found between the migrated file and the tables in the code."""
    with node.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_code_knows_the_newest_migration():
    """The constant that spares commands Alembic is the head of the files."""
    assert ScriptDirectory.from_config(migrations()).get_current_head() == REVISION


def test_a_commit_is_on_the_disk_when_it_returns(node):
    """Every connection of every process runs in WAL mode with full sync."""
    other = Database.open(node.database.path)
    for database in (node.database, other):
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    other.close()


def test_a_ledger_without_full_sync_is_refused(node):
    """The assertion at opening can fail."""
    with node.database.read() as connection:
        connection.exec_driver_sql("PRAGMA synchronous=OFF")

    with pytest.raises(LedgerError):
        node.database.assert_durable()


def test_opening_a_ledger_that_is_not_there_says_what_to_do(tmp_path):
    """The message names the command."""
    with pytest.raises(LedgerError, match="sonoveil serve"):
        Database.open(tmp_path / "ledger.sqlite")


@pytest.mark.parametrize("table", [receipt, audit])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_receipts_and_audit_cannot_be_changed(node, table, verb):
    """The database itself refuses."""
    node.arrive()
    statement = table.delete() if verb == "delete" else table.update().values(at=0.0)

    with pytest.raises(sa.exc.IntegrityError, match="append-only"), node.database.write() as connection:
        connection.execute(statement)


def test_the_same_bytes_again_are_suppressed(node):
    """Both sends have a receipt; only one is processed."""
    _, first = node.arrive(content=b"same")
    _, second = node.arrive(content=b"same")

    assert (first, second) == (InstanceState.RECEIVED, InstanceState.SUPPRESSED)
    with node.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(receipt)).scalar() == 2


def test_other_bytes_under_a_known_uid_are_held(node):
    """A correction waits for a person."""
    node.arrive(content=b"one")
    _, state = node.arrive(content=b"two")

    assert state is InstanceState.HELD
    assert [row.reason for row in node.decisions.held()] == [Reason.CORRECTION]


def test_other_bytes_take_the_old_ones_place_where_configured(replacing_node):
    """The old instance is superseded and what waits of it cancelled."""
    old = replacing_node.clean("1.2.3")
    _, state = replacing_node.arrive("1.2.3", content=b"new")

    assert state is InstanceState.RECEIVED
    assert replacing_node.state(old) == "superseded"
    assert replacing_node.delivery_states(old) == {"research": "cancelled"}


def test_two_workers_never_get_the_same_instance(node):
    """A claimed row is invisible to others until its lease ends."""
    node.arrive("1.1", b"a")
    node.arrive("1.2", b"b")

    first = node.ledger.claim("worker-0", lease_s=60, max_attempts=3)
    second = node.ledger.claim("worker-1", lease_s=60, max_attempts=3)
    third = node.ledger.claim("worker-2", lease_s=60, max_attempts=3)

    assert first.instance_id != second.instance_id
    assert third is None


def test_a_claim_whose_lease_ran_out_is_taken_again(node):
    """And its worker is named as hanging."""
    node.arrive()
    node.claim()
    node.clock.now += 61

    assert node.ledger.overdue_workers() == [WORKER]
    assert node.ledger.claim("worker-1", lease_s=60, max_attempts=3) is not None


def test_an_object_that_ends_its_workers_is_held_in_the_end(node):
    """After the configured attempts without an outcome the object waits for a person."""
    node.arrive()
    for _ in range(3):
        node.claim()
        node.ledger.release_claims(WORKER)

    assert node.ledger.claim(WORKER, lease_s=60, max_attempts=3) is None
    assert [row.reason for row in node.decisions.held()] == [Reason.WORKER_CRASHED]


def test_given_back_work_does_not_count_as_an_attempt(node):
    """A full disk must not hold everything as worker_crashed."""
    node.arrive()
    for _ in range(5):
        node.ledger.give_back(node.claim(), WORKER)

    assert node.claim().attempt == 1


def test_an_outcome_of_a_lost_claim_is_not_recorded(node):
    """What was superseded or taken over meanwhile keeps its state."""
    node.arrive()
    claim = node.claim()
    node.ledger.release_claims(WORKER)

    assert not node.ledger.record_clean(claim, WORKER, ROUTE, node.output())
    assert not node.ledger.record_held(claim, WORKER, None, reason=Reason.UNREADABLE, note="x", output=None)
    assert not node.ledger.record_refused(claim, WORKER, ROUTE)
    assert node.state(claim.instance_id) == "received"


def test_a_clean_instance_has_one_delivery_per_target(node):
    """All targets of the rule wait."""
    number = node.clean(route=Route(rule="r", project="p", profile="research", targets=("research", "archive")))

    assert node.delivery_states(number) == {"research": "waiting", "archive": "waiting"}


def test_another_pseudonym_in_a_known_study_is_held(node):
    """A merge or correction at the source must not split a study between two patients."""
    node.clean("1.1", study="2.25.9", pseudonym="SV-A")
    second = node.clean("1.2", study="2.25.9", pseudonym="SV-B")

    assert node.state(second) == "held"
    assert node.decisions.show(second)["reason"] == Reason.CORRECTION


def test_source_identifiers_are_nowhere_in_the_ledger_file(node):
    """Neither in rows nor in the write-ahead log."""
    node.arrive("1.2.826.0.1.3680043.9999.4711", b"x")

    everything = b"".join(path.read_bytes() for path in node.root.glob("ledger.sqlite*"))

    assert b"4711" not in everything
    with node.database.read() as connection:
        row = connection.execute(sa.select(instance)).one()
    assert node.sealer.unseal(row.sealed, token=row.token) == {"sop_instance_uid": "1.2.826.0.1.3680043.9999.4711"}


def test_what_a_rule_refused_may_come_again(node):
    """After the rule was mended the same bytes are processed, not suppressed."""
    node.arrive(content=b"same")
    node.ledger.record_refused(node.claim(), WORKER, ROUTE)

    _, state = node.arrive(content=b"same")

    assert state is InstanceState.RECEIVED


def test_a_held_result_with_another_pseudonym_cannot_be_released(node):
    """It is held as a correction, whatever else the pipeline doubted."""
    node.clean("1.1", study="2.25.9", pseudonym="SV-A")
    node.arrive("1.2", content=b"x")
    claim, output = node.claim(), node.output(study="2.25.9", pseudonym="SV-B")

    node.ledger.record_held(claim, WORKER, ROUTE, reason=Reason.RESIDUAL_TEXT, note="n", output=output)

    assert [(row.reason, row.releasable) for row in node.decisions.held()] == [(Reason.CORRECTION, False)]
