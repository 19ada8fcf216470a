"""Instances in the ledger: arrival, duplicates, claims, outcomes."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.database import REVISION, Database, LedgerError, migrations
from gateway.entries import Route
from gateway.reconcile import reconcile
from gateway.states import InstanceState
from gateway.tables import METADATA, audit, instance, receipt
from pipeline.reasons import Reason
from tests.factories.crosswalk import crosswalk_entry

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


def test_an_accepted_pseudonym_is_the_studys_from_then_on(node):
    """A retry accepts it: that instance and the study's later ones pass, the old pseudonym does not any more."""
    node.clean("1.1", study="2.25.9", pseudonym="SV-A")
    second = node.clean("1.2", study="2.25.9", pseudonym="SV-B")
    assert node.state(second) == "held"

    node.decisions.retry(second)
    node.ledger.record_clean(node.claim(), WORKER, ROUTE, node.output(study="2.25.9", pseudonym="SV-B"))

    assert node.state(second) == "clean"
    assert node.state(node.clean("1.3", study="2.25.9", pseudonym="SV-B")) == "clean"
    assert node.state(node.clean("1.4", study="2.25.9", pseudonym="SV-A")) == "held"
    assert node.state(node.clean("1.5", study="2.25.9", pseudonym="SV-C")) == "held"


def test_a_changed_pseudonym_is_held_also_where_corrections_replace(replacing_node):
    """Nothing of the study but what was superseded may be left to compare with."""
    old = replacing_node.clean("1.1", study="2.25.9", pseudonym="SV-A")
    replacing_node.arrive("1.1", b"corrected")
    claim = replacing_node.claim()

    replacing_node.ledger.record_clean(claim, WORKER, ROUTE, replacing_node.output(study="2.25.9", pseudonym="SV-B"))

    assert replacing_node.state(old) == "superseded"
    assert replacing_node.state(claim.instance_id) == "held"


def test_a_replacement_of_the_same_patient_goes_its_way(replacing_node):
    """The new version is sent under the same public UID; the account stays balanced."""
    old = replacing_node.clean("1.1", study="2.25.9", pseudonym="SV-A")
    replacing_node.arrive("1.1", b"corrected")
    claim = replacing_node.claim()

    replacing_node.ledger.record_clean(claim, WORKER, ROUTE, replacing_node.output(study="2.25.9", pseudonym="SV-A"))

    assert replacing_node.state(old) == "superseded"
    assert replacing_node.state(claim.instance_id) == "clean"
    assert replacing_node.delivery_states(claim.instance_id) == {"research": "waiting"}
    assert reconcile(replacing_node.database, replacing_node.spool).balanced


def test_what_a_person_rejected_is_not_replaced(replacing_node):
    """Other bytes do not undo a decision: they wait for one of their own."""
    replacing_node.arrive("1.1", b"one")
    claim = replacing_node.claim()
    replacing_node.ledger.record_held(claim, WORKER, None, reason=Reason.NO_RULE, note="n", output=None)
    replacing_node.decisions.reject(claim.instance_id, reason="phantom")

    _, state = replacing_node.arrive("1.1", b"two")

    assert state is InstanceState.HELD
    assert [row.reason for row in replacing_node.decisions.held()] == [Reason.CORRECTION]


def test_two_projects_do_not_contradict_each_other(node):
    """With UIDs retained, one study has one public UID and a pseudonym for each project."""
    other = Route(rule="default", project="q", profile="research", targets=("research",))
    node.clean("1.1", study="2.25.9", pseudonym="SV-A")

    assert node.state(node.clean("1.2", route=other, study="2.25.9", pseudonym="SV-B")) == "clean"


def test_two_patients_of_one_pseudonym_are_held_apart(node):
    """A table without domains may do that; of one patient in two studies nothing is said."""
    one = crosswalk_entry(instance_uid=("1.1", "2.25.1"))
    same = crosswalk_entry(instance_uid=("1.2", "2.25.2"), study_uid=("1.8", "2.25.8"), patient_id=" 4711")
    another = crosswalk_entry(instance_uid=("1.3", "2.25.3"), study_uid=("1.9", "2.25.9"), patient_domain="B")
    node.clean_of(one)

    assert node.state(node.clean_of(same)) == "clean"
    held = node.clean_of(another)
    assert node.decisions.show(held)["reason"] == Reason.PSEUDONYM_COLLISION
    assert "4711" not in str(node.decisions.show(held))


def test_a_ledger_of_the_first_version_is_brought_up_to_date(tmp_path):
    """Its rows stay, and are what they were."""
    path = tmp_path / "ledger.sqlite"
    database = Database(path)
    config = migrations()
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO instance (token, state, node, calling_aet, called_aet, sop_class_uid, transfer_syntax_uid, "
            "readable, sop_index, sealed, content_sha256, size_bytes, received_at, changed_at, original_kept, "
            "output_kept, attempts) "
            "VALUES ('t', 'held', 'n', 'C', 'S', '1', '1', 1, x'00', x'00', x'00', 1, 1, 1, 1, 0, 0)"
        )
    database.close()

    database = Database.create_or_migrate(path)

    with database.read() as connection:
        row = connection.execute(sa.select(instance)).one()
        assert (row.state, row.accepted, row.crosswalk, row.subject_index) == ("held", False, None, None)
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()
