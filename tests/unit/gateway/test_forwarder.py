"""The circuit of a target, and what a lane does with each outcome."""

from datetime import timedelta

import pytest

from config.schema import Completion, Node, Send
from gateway.counts import count
from gateway.forward import OutcomeKind, SendOutcome
from gateway.forwarder import Circuit, Lane, Permit
from gateway.processes import StopFlag
from gateway.requestor import Failure
from gateway.spool import Shelf
from gateway.starting import ForwarderSettings

SEND = Send(retry_delay=timedelta(seconds=60), max_retry_delay=timedelta(minutes=15))


class Target:
    """Stands for `Sender`: answers as a test says and remembers what it was given."""

    def __init__(self, *answers, probe=None):
        self.answers = list(answers)
        self.sent = []
        self.probes = [probe]
        self.probed = 0

    def probe(self):
        self.probed += 1
        return self.probes.pop(0) if len(self.probes) > 1 else self.probes[0]

    def send(self, objects):
        for outgoing in objects:
            kind, status, why = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.sent.append(outgoing.path.read_bytes())
            yield SendOutcome(token=outgoing.token, kind=kind, status=status, why=why, sent_bytes=0)

    def close_if_idle(self):
        pass

    def close(self):
        pass


SENT = (OutcomeKind.SENT, 0, None)
DOWN = (OutcomeKind.LATER, None, Failure.UNREACHABLE)
FULL = (OutcomeKind.LATER, 0xA700, Failure.OUT_OF_RESOURCES)
REFUSED = (OutcomeKind.REFUSED, 0xC000, None)
OTHER_SYNTAX = (OutcomeKind.SYNTAX_NOT_ACCEPTED, None, None)


class Config:
    """The part of the configuration that a lane reads."""

    send = SEND
    completion = Completion()
    nodes = {"research": Node(ae_title="RESEARCH", host=("127.0.0.1",), port=1)}  # noqa: RUF012  read only

    def calling_ae_title(self, _name):
        return "SONOVEIL"

    def tls_towards(self, _name):
        return None


@pytest.fixture
def lane(node):
    """Make a lane of the target `research` whose peer answers as told."""

    def make(*answers):
        result = Lane(
            ForwarderSettings(name="forward-research", target="research", config=Config()),
            spool=node.spool,
            database=node.database,
            circuit=Circuit(SEND, node.database, "research"),
            stop=StopFlag(),
            number=0,
        )
        result._sender = Target(*answers)
        return result

    return make


def test_a_closed_circuit_gives_batches_and_an_open_one_nothing(node):
    """After a failure nothing is tried until the delay has passed; then one probe at a time."""
    circuit = Circuit(SEND, node.database, "research")
    circuit.report(reached=True)
    assert circuit.permits() is Permit.BATCH

    assert circuit.report(reached=False) >= 30
    assert circuit.permits() is Permit.NOTHING
    circuit._open_until = 0.0
    assert circuit.permits() is Permit.PROBE
    assert circuit.permits() is Permit.NOTHING, "one probe at a time"
    assert circuit.answered() == 1
    assert circuit.permits() is Permit.NOTHING, "an answered probe is followed by one instance alone"
    circuit.report(reached=True)
    assert circuit.permits() is Permit.BATCH


def test_after_a_pause_the_target_is_asked_first_and_an_answer_lets_everybody_go(node):
    """At the start, and when nothing was taken for a minute; one lane asks, the others wait for it."""
    circuit = Circuit(SEND, node.database, "research")

    for _ in range(2):
        assert circuit.permits() is Permit.PROBE
        assert circuit.permits() is Permit.NOTHING
        assert circuit.answered() > 1
        assert circuit.permits() is Permit.BATCH
        circuit._reached_at -= 61


def test_retry_from_the_shell_closes_the_circuit_at_once(node):
    """`sonoveil retry --target` means now."""
    circuit = Circuit(SEND, node.database, "research")
    circuit.report(reached=False)
    assert circuit.permits() is Permit.NOTHING

    node.decisions.retry_target("research", resend=False)

    assert circuit.permits() is Permit.PROBE


def test_a_dead_target_is_tried_once_and_everything_waits(node, lane):
    """One instance is tried; the rest of the batch is given back untried."""
    numbers = [node.clean(uid) for uid in ("1.1", "1.2", "1.3")]
    one = lane(DOWN)

    assert one._step()
    assert not one._step(), "the circuit is open"

    assert len(one._sender.sent) == 1
    assert {node.delivery_states(n)["research"] for n in numbers} == {"waiting"}
    attempts = [node.decisions.show(n)["deliveries"][0]["attempts"] for n in numbers]
    assert attempts == [1, 0, 0]


@pytest.mark.parametrize("why", [Failure.UNREACHABLE, Failure.TLS, Failure.TIMEOUT])
def test_a_target_that_does_not_answer_a_probe_is_sent_nothing(node, lane, why):
    """No instance is touched, and what waits says why; each probe that finds nobody doubles the wait."""
    numbers = [node.clean(uid) for uid in ("1.1", "1.2", "1.3")]
    one = lane(SENT)
    one._sender.probes = [why, why, None]

    assert not one._step()
    first = one._circuit._open_until
    one._circuit._open_until = 0.0
    assert not one._step()
    assert not one._step(), "the circuit is open"

    assert (one._sender.sent, one._sender.probed, one._circuit._failures) == ([], 2, 2)
    assert first > 0
    rows = [node.decisions.show(n)["deliveries"][0] for n in numbers]
    assert {(row["state"], row["attempts"], row["why"]) for row in rows} == {("waiting", 0, why.value)}
    one._circuit._open_until = 0.0
    assert one._step(), "it answers again: one instance alone"
    assert len(one._sender.sent) == 1
    assert one._step()
    assert {node.state(n) for n in numbers} == {"done"}


@pytest.mark.parametrize("why", [Failure.REJECTED, Failure.ABORTED, Failure.BAD_ANSWER])
def test_a_probe_that_may_be_about_the_probe_lets_one_instance_decide(node, lane, why):
    """A target need not take C-ECHO to take objects."""
    numbers = [node.clean(uid) for uid in ("1.1", "1.2")]
    one = lane(SENT)
    one._sender.probes = [why]

    one._step()
    assert len(one._sender.sent) == 1
    one._step()

    assert {node.state(n) for n in numbers} == {"done"}
    assert one._sender.probed == 1


def test_a_target_with_nothing_to_get_is_not_probed(node, lane):
    """An idle node does not knock at its targets five times a second."""
    one = lane(SENT)

    assert not one._step()
    assert not one._step()

    assert one._sender.probed == 0


def test_answers_are_written_in_groups_and_before_anything_else_ends_the_batch(node, lane, monkeypatch):
    """Twenty sends are two commits of sends; a target that dies after the third leaves three sent and no claims."""
    numbers = [node.clean(f"1.{n}") for n in range(20)]
    groups = []
    record = node.deliveries.record_all_sent
    one = lane(*[SENT] * 20)
    monkeypatch.setattr(one._deliveries, "record_all_sent", lambda sent, **k: groups.append(len(sent)) or record(sent))
    one._step()
    assert {node.state(n) for n in numbers} == {"done"}
    assert sum(groups) == 20
    assert len(groups) < 20

    more = [node.clean(f"2.{n}") for n in range(6)]
    lane(SENT, SENT, SENT, DOWN)._step()
    assert sorted(node.state(n) for n in more) == ["clean"] * 3 + ["done"] * 3
    with node.database.read() as connection:
        claimed = connection.exec_driver_sql("SELECT count(*) FROM delivery WHERE claimed_by IS NOT NULL").scalar()
    assert claimed == 0


class Listing:
    """Stands for `ExistingCheck`."""

    def __init__(self, *there):
        self.there, self.asked = frozenset(there), []

    def among(self, claimed):
        self.asked.append([item.sop_instance_uid for item in claimed])
        return self.there.intersection(self.asked[-1])


def test_what_the_target_has_counts_as_sent_with_a_note_and_the_others_are_sent(node, lane):
    """By option; the note says that nothing was sent."""
    there, new = node.clean("1.1"), node.clean("1.2")
    one = lane(SENT)
    one._existing = Listing(node.decisions.show(there)["public_sop_uid"])

    one._step()

    row = node.decisions.show(there)["deliveries"][0]
    assert (row["state"], row["status"], row["why"]) == ("sent", None, "already_there")
    assert node.state(there) == node.state(new) == "done"
    assert len(one._sender.sent) == 1
    assert node.decisions.show(there)["history"][-1]["detail"]["why"] == "already_there"


def test_what_was_sent_once_is_sent_again_without_asking(node, lane):
    """`retry --resend` means send: the target has the object, perhaps damaged."""
    number = node.clean()
    lane(SENT)._step()
    node.decisions.retry_target("research", resend=True)
    one = lane(SENT)
    one._existing = Listing(node.decisions.show(number)["public_sop_uid"])

    one._step()

    assert one._existing.asked == [[]]
    assert len(one._sender.sent) == 1


def test_a_new_version_is_sent_although_the_target_lists_its_uid(node, lane):
    """What stands there under the UID is the earlier version."""
    first = node.clean("1.1")
    lane(SENT)._step()
    second = node.clean("1.2")
    with node.database.write() as connection:
        connection.exec_driver_sql(
            f"UPDATE instance SET public_sop_uid = (SELECT public_sop_uid FROM instance WHERE id = {first})"
        )
    one = lane(SENT)
    one._existing = Listing(node.decisions.show(first)["public_sop_uid"])

    one._step()

    assert len(one._sender.sent) == 1
    assert node.delivery_states(second) == {"research": "sent"}


def test_a_full_target_is_asked_later_and_the_others_go_on(node, lane):
    """0xA700 concerns the object; it waits for its own delay."""
    first, second = node.clean("1.1"), node.clean("1.2")

    lane(FULL, SENT)._step()

    assert node.delivery_states(first) == {"research": "waiting"}
    assert node.state(second) == "done"


def test_a_refusal_for_good_is_held(node, lane):
    """The status stands in the ledger."""
    number = node.clean()

    lane(REFUSED)._step()

    assert node.decisions.held()[0].reason == "delivery_failed"
    assert node.decisions.show(number)["deliveries"][0]["status"] == 0xC000


def test_a_refused_syntax_asks_for_a_conversion_once(node, lane):
    """Explicit little endian is already the substitute: refusing that is final."""
    number = node.clean()
    claimed = node.deliveries.claim("research", "f", limit=1, lease_s=60)
    node.deliveries.give_back(claimed)
    with node.database.write() as connection:
        connection.exec_driver_sql("UPDATE delivery SET output_syntax_uid='1.2.840.10008.1.2.4.90'")

    lane(OTHER_SYNTAX)._step()
    assert node.deliveries.claim_conversion("w", targets=("research",), lease_s=60) is not None

    with node.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE delivery SET output_syntax_uid='1.2.840.10008.1.2.1', conversion_wanted=0, lease_until=NULL"
        )
    lane(OTHER_SYNTAX)._step()
    assert node.decisions.show(number)["deliveries"][0]["why"] == "not_accepted_by_target"
    assert [row.reason for row in node.decisions.held()] == ["not_accepted_by_target"]
    with node.database.snapshot() as connection:
        assert count(connection, now=node.clock.now).held == {"not_accepted_by_target": 1}


@pytest.fixture
def listed():
    """Let the target take two syntaxes, of which no object has one to begin with."""
    node_of_two = Config.nodes["research"].model_copy(
        update={"transfer_syntaxes": ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.70")}
    )
    before, Config.nodes = Config.nodes, {"research": node_of_two}
    yield
    Config.nodes = before


def test_what_the_target_is_not_said_to_take_is_converted_before_it_is_tried(node, lane, listed):
    """Nothing is sent in another syntax than the listed ones."""
    node.clean()
    one = lane(SENT)

    one._step()

    assert one._sender.sent == []
    assert node.deliveries.claim_conversion("w", targets=("research",), lease_s=60) is not None


def test_a_listed_syntax_is_sent_and_its_refusal_is_final(node, lane, listed):
    """The target was said to take it: another one would not be asked for again and again."""
    number = node.clean()
    with node.database.write() as connection:
        connection.exec_driver_sql("UPDATE delivery SET output_syntax_uid='1.2.840.10008.1.2.4.70'")
    one = lane(OTHER_SYNTAX)

    one._step()

    assert len(one._sender.sent) == 1
    assert node.decisions.show(number)["deliveries"][0]["why"] == "not_accepted_by_target"


def test_an_altered_output_never_leaves(node, lane):
    """What is not the verified bytes is not sent."""
    number = node.clean()
    token = node.decisions.show(number)["output_token"]
    node.spool.path(Shelf.OUTPUTS, token).write_bytes(b"altered")
    one = lane(SENT)

    one._step()

    assert one._sender.sent == []
    assert node.decisions.show(number)["deliveries"][0]["why"] == "output_missing_or_altered"


def test_retries_can_be_limited(node, lane, monkeypatch):
    """`retry_max` turns later into failed."""
    monkeypatch.setattr(Config, "send", SEND.model_copy(update={"retry_max": 1}))
    number = node.clean()
    lane(FULL)._step()
    node.clock.now += 3600
    lane(FULL)._step()

    assert node.decisions.show(number)["deliveries"][0]["why"] == "retries_exhausted"
