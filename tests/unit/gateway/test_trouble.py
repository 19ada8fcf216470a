"""Full disks, broken ledgers, races, altered files: nothing stops, nothing is left behind, nothing unverified goes."""

import errno
import multiprocessing

import pytest
import sqlalchemy as sa

from gateway import reconcile as reconcile_module
from gateway.database import LedgerError
from gateway.forwarder import Circuit, Lane
from gateway.node import _require_same_key
from gateway.part10 import head
from gateway.processes import StopFlag, as_child
from gateway.reconcile import reconcile
from gateway.sealing import Sealer
from gateway.spool import Shelf
from gateway.starting import ForwarderSettings, WorkerSettings
from gateway.states import InstanceState
from gateway.worker import Worker
from pipeline.reasons import Held, Reason

from .conftest import KEY, WORKER
from .test_forwarder import SEND, SENT, Target
from .test_forwarder import Config as ForwarderConfig
from .test_worker import CT, EXPLICIT, Pipeline
from .test_worker import Config as WorkerConfig

LOCKED = sa.exc.OperationalError("UPDATE", {"name": "Vorzib"}, Exception("database or disk is full"))


@pytest.fixture
def worker(node, monkeypatch):
    """A worker whose pipeline always has an output."""
    monkeypatch.setattr("gateway.worker.Deidentifier", Pipeline)
    monkeypatch.setattr("gateway.worker._DISK_FULL_WAIT_S", 0)
    monkeypatch.setattr(Pipeline, "outcome", None)
    return Worker(
        WorkerSettings(name=WORKER, config=WorkerConfig(node.root), key=KEY), spool=node.spool, database=node.database
    )


@pytest.fixture
def lane(node):
    """A lane of the target `research` whose peer takes everything."""
    circuit = Circuit(SEND, node.database, "research")
    settings = ForwarderSettings(name="forward-research", target="research", config=ForwarderConfig())
    made = Lane(settings, spool=node.spool, database=node.database, circuit=circuit, stop=StopFlag(), number=0)
    made._sender = Target(SENT)
    return made


def _arrive(node):
    node.arrive("1.2.3", content=head(sop_class_uid=CT, sop_instance_uid="1.2.3", transfer_syntax_uid=EXPLICIT))


def _output_files(node):
    return [path for path in (node.root / Shelf.OUTPUTS).glob("*/*") if path.is_file()]


def _failing(monkeypatch, owner, name, error, *, times=1):
    """Let a method fail so many times, then work."""
    method, left = getattr(owner, name), [times]

    def attempt(*arguments, **named):
        if left[0]:
            left[0] -= 1
            raise error
        return method(*arguments, **named)

    monkeypatch.setattr(owner, name, attempt)


def test_a_ledger_that_cannot_write_costs_no_attempt_and_leaves_no_file(node, worker, monkeypatch):
    """A full disk is nobody's fault: the instance is processed again when the ledger writes again."""
    _arrive(node)
    _failing(monkeypatch, worker._ledger, "record_clean", LOCKED)
    _failing(monkeypatch, worker._ledger, "give_back", LOCKED)

    assert not worker.step()
    assert _output_files(node) == []
    assert worker.step()

    shown = node.decisions.show(1)
    assert (shown["state"], shown["attempts"]) == ("clean", 1)
    assert len(_output_files(node)) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS], ids=["full", "read-only"])
@pytest.mark.parametrize("outcome", [None, Held(Reason.RESIDUAL_TEXT, "left")])
def test_a_disk_that_fills_up_under_the_sidecar_leaves_no_output_behind(node, worker, monkeypatch, outcome, number):
    """The result is made again later; a file that no row names would stay for ever."""
    _arrive(node)
    monkeypatch.setattr(Pipeline, "outcome", outcome)
    monkeypatch.setattr("gateway.worker.sidecar.store", _raise(OSError(number, "full")))

    worker.step()

    assert _output_files(node) == []
    shown = node.decisions.show(1)
    assert (shown["state"], shown["attempts"]) == ("received", 0)


def test_a_worker_leaves_the_last_space_to_the_ledger(node, worker, monkeypatch):
    """On a disk that outputs fill to the last byte nothing could be recorded as sent, and so nothing be deleted."""
    _arrive(node)
    monkeypatch.setattr(node.spool, "free_bytes", lambda: 499_999)
    assert not worker.step()
    assert (node.state(1), _output_files(node)) == ("received", [])

    monkeypatch.setattr(node.spool, "free_bytes", lambda: 500_001)
    assert worker.step()
    assert node.state(1) == "clean"


def _raise(error):
    def fail(*_arguments, **_named):
        raise error

    return fail


def test_an_instance_that_was_superseded_meanwhile_leaves_no_held_result(node, worker, monkeypatch):
    """The claim is lost while the pipeline works; its result goes with it."""
    _arrive(node)
    monkeypatch.setattr(Pipeline, "outcome", Held(Reason.RESIDUAL_TEXT, "left"))
    monkeypatch.setattr(worker._ledger, "record_held", lambda *_a, **_n: False)

    worker.step()

    assert _output_files(node) == []


def test_a_second_try_does_not_repeat_the_sidecar(node, worker):
    """`retry` begins to count attempts anew; the rows of the first run are replaced all the same."""
    _arrive(node)
    Pipeline.outcome = Held(Reason.RESIDUAL_TEXT, "left")
    worker.step()
    node.decisions.retry(1)
    Pipeline.outcome = None
    worker.step()

    lines = (node.spool.sidecar / "2.25.13.csv").read_text().splitlines()
    assert len(lines) == 2, "the head and one region"


def test_an_output_that_is_being_made_is_no_discrepancy(node, worker, monkeypatch):
    """`reconcile` may run while a long clip is in work."""
    _arrive(node)
    monkeypatch.setattr(reconcile_module, "_SECOND_LOOK_AFTER_S", 0)
    seen = []
    run = Pipeline.run

    def watched(pipeline, received, output, *, crops):
        result = run(pipeline, received, output, crops=crops)
        seen.append(reconcile(node.database, node.spool))
        return result

    monkeypatch.setattr(Pipeline, "run", watched)
    worker.step()

    assert seen[0].balanced, seen[0].discrepancies
    assert reconcile(node.database, node.spool).discrepancies == ()


def test_what_a_killed_worker_left_unfinished_goes_when_its_successor_starts(node):
    """Only its own leftovers: another worker's file is being written."""
    mine, other = node.spool.unfinished("0" * 32, WORKER), node.spool.unfinished("1" * 32, "worker-1")
    for path in (mine, other):
        path.write_bytes(b"half")

    assert node.spool.clear_unfinished(WORKER) == 1

    assert (mine.exists(), other.exists()) == (False, True)


def test_an_altered_output_is_never_converted(node, worker, monkeypatch):
    """A conversion gives bytes a new hash; it must not bless bytes that nobody verified."""
    number = node.clean()
    claimed = node.deliveries.claim("research", "f", limit=1, lease_s=60)
    node.deliveries.want_conversion(claimed[0])
    node.spool.path(Shelf.OUTPUTS, claimed[0].token).write_bytes(b"Vorzib^Murdax")
    converted = []
    monkeypatch.setattr("gateway.worker.convert.convert_losslessly", lambda *a: converted.append(a))

    assert worker.step()

    assert converted == []
    assert node.delivery_states(number) == {"research": "failed"}


@pytest.mark.parametrize("error", [OSError(errno.EIO, "x"), ValueError("x")])
def test_a_conversion_that_breaks_is_recorded_and_does_not_end_the_worker(node, worker, monkeypatch, error):
    """It would be the next thing that the successor does."""
    number = node.clean()
    node.deliveries.want_conversion(node.deliveries.claim("research", "f", limit=1, lease_s=60)[0])
    monkeypatch.setattr("gateway.worker.convert.convert_losslessly", _raise(error))

    assert worker.step()

    assert node.delivery_states(number) == {"research": "failed"}


def test_a_refusal_of_what_was_cancelled_meanwhile_does_not_end_the_lane(node):
    """A correction replaces an instance while the target is saying no to it."""
    number = node.clean()
    claimed = node.deliveries.claim("research", "f", limit=1, lease_s=60)
    node.decisions.retry_target("research", resend=False)
    with node.database.write() as connection:
        connection.exec_driver_sql("UPDATE delivery SET state='cancelled'")

    node.deliveries.record_failed(claimed[0], status=0xC000, why="refused_by_target")
    node.deliveries.record_sent(claimed[0], status=0)

    assert node.delivery_states(number) == {"research": "cancelled"}
    assert [row["action"] for row in node.decisions.show(number)["history"]][-2:] == [
        "delivery_failed_of_cancelled",
        "send_of_cancelled",
    ]


def test_an_object_that_two_lanes_sent_is_sent(node):
    """A lease ran out under a slow send; the second answer changes nothing."""
    number = node.clean()
    claimed = node.deliveries.claim("research", "f", limit=1, lease_s=60)
    node.deliveries.record_sent(claimed[0], status=0)

    node.deliveries.record_sent(claimed[0], status=0)

    assert node.state(number) == "done"


def test_a_clock_that_is_set_back_does_not_stop_deliveries(node):
    """What was planned by a clock a year ahead is due now, not in a year."""
    node.clock.now += 365 * 86_400
    number = node.clean()
    node.clock.now -= 365 * 86_400

    claimed = node.deliveries.claim("research", "f", limit=1, lease_s=60)

    assert [one.instance_id for one in claimed] == [number]


def test_a_ledger_fault_during_a_probe_does_not_close_the_target_for_ever(node, lane, monkeypatch):
    """The permit to probe is given back however the probe ends."""
    node.clean()
    lane._circuit.report(reached=False)
    lane._circuit._open_until = 0.0
    _failing(monkeypatch, lane._deliveries, "claim", LOCKED)

    assert not lane.attempt()
    assert lane.attempt()

    assert len(lane._sender.sent) == 1


def test_what_could_not_be_recorded_is_tried_again_at_once(node, lane, monkeypatch):
    """Not after the lease of an hour: the same bytes once more are harmless."""
    number = node.clean()
    _failing(monkeypatch, lane._deliveries, "record_all_sent", LOCKED)
    _failing(monkeypatch, lane._deliveries, "give_back", LOCKED)

    assert not lane.attempt()
    assert lane.attempt()

    assert node.state(number) == "done"
    assert len(set(lane._sender.sent)) == 1


def test_a_fault_of_ours_does_not_end_a_lane(node, lane, monkeypatch):
    """A lane that died would leave its target without anybody, unseen; the object waits and the others go on."""
    first, second = node.clean("1.1"), node.clean("1.2")
    _failing(monkeypatch, lane._sender, "send", ValueError("Vorzib"))

    assert lane.attempt()
    assert lane.attempt()

    assert node.decisions.show(first)["deliveries"][0]["why"] == "internal_error"
    assert (node.state(first), node.state(second)) == ("clean", "done")


def test_an_output_that_is_gone_when_the_target_says_success_is_recorded_as_sent(node, lane, monkeypatch):
    """What was sent was sent, whoever removed the file meanwhile."""
    number = node.clean()
    token = node.decisions.show(number)["output_token"]

    class Removing(Target):
        def send(self, objects):
            for outcome in super().send(objects):
                node.spool.remove(Shelf.OUTPUTS, token)
                yield outcome

    lane._sender = Removing(SENT)
    assert lane.attempt()

    assert node.state(number) == "done"


def test_accepting_a_correction_leaves_a_later_one_waiting(node):
    """Two corrections wait; taking the first must not throw the second away unseen."""
    node.clean("1.2.3")
    for content in (b"first", b"second"):
        assert node.arrive("1.2.3", content=content)[1] is InstanceState.HELD

    node.decisions.retry(2)

    assert [node.state(number) for number in (1, 2, 3)] == ["superseded", "received", "held"]


def test_a_file_that_goes_while_it_is_listed_is_no_error(node, monkeypatch):
    """A worker or the retention removes files while `reconcile` lists them."""
    node.put(Shelf.ORIGINALS, b"x")
    listed = list(node.spool.files())
    assert len(listed) == 1
    path = node.spool.path(Shelf.ORIGINALS, listed[0].token)
    glob = type(path).glob

    def vanishing(folder, pattern):
        found = list(glob(folder, pattern))
        path.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(type(path), "glob", vanishing)

    assert list(node.spool.files()) == []


def test_a_storage_refuses_another_key(node):
    """With another key every patient would get a second pseudonym, and no re-send would be known."""
    _require_same_key(node.ledger, Sealer(KEY[::-1]))  # an empty ledger takes any key
    node.arrive()

    _require_same_key(node.ledger, Sealer(KEY))
    with pytest.raises(LedgerError, match="not the key that this storage was begun with"):
        _require_same_key(node.ledger, Sealer(KEY[::-1]))


@as_child
def _breaking_child(_settings):
    raise ValueError("Vorzib^Murdax")


def test_a_child_that_breaks_tells_no_values(capfd):
    """`multiprocessing` prints a traceback, message and context included, unless nothing reaches it."""
    process = multiprocessing.get_context("spawn").Process(target=_breaking_child, args=(None,))
    process.start()
    process.join(30)

    told = capfd.readouterr().err
    assert process.exitcode == 1
    assert "ValueError" in told
    assert "Vorzib" not in told
    assert "Traceback" not in told
