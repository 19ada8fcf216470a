"""A worker records an outcome for whatever the pipeline does."""

import errno
import hashlib

import pytest
import sqlalchemy as sa

from config.load import load_profile
from config.schema import ModelsConfig, Node, Processing, Rule, Send, Storage
from gateway import worker as module
from gateway.part10 import head
from gateway.reconcile import reconcile
from gateway.sealing import SealBrokenError
from gateway.spool import Shelf
from gateway.starting import WorkerSettings
from gateway.tables import instance
from gateway.withdrawals import Whose, Withdrawals
from gateway.worker import Worker
from pipeline.header.identity import Identities
from pipeline.reasons import Held, Reason, TryLater
from pipeline.records import (
    ConeFinding,
    ConeOutcome,
    DeidentifiedInstance,
    Findings,
    TextAction,
    TextFinding,
    TextPlace,
)
from tests.factories.crosswalk import crosswalk_entry

from .conftest import KEY, WORKER

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
RULES = (
    {"name": "no", "when": {"Modality": ["MR"]}, "action": "refuse"},
    {"name": "wait", "when": {"Modality": ["XA"]}, "action": "hold"},
    {"name": "all", "from": ["clinical"], "profile": "research", "project": "p", "target": ["research"]},
    {"name": "rest", "fallback": True, "action": "hold"},
)


class Config:
    """The part of the configuration that a worker reads."""

    def __init__(self, root):
        self.storage = Storage(path=root, reserve_space=1_000_000)
        self.processing = Processing(workers=1)
        self.rules = tuple(Rule.model_validate(rule) for rule in RULES)
        self.nodes = {
            "clinical": Node(ae_title="CLINICAL", host=("127.0.0.1",), patient_domain="A"),
            "research": Node(ae_title="RESEARCH", host=("127.0.0.1",), port=104),
        }
        self.profiles = {"research": load_profile("research")}
        self.models = ModelsConfig()
        self.send = Send()


class Pipeline:
    """Stands for `Deidentifier`: writes an output and returns or raises what a test says."""

    outcome: object = None
    crops: object = None

    def __init__(self, *, profile, key, project, models_config, opener):
        self.identities = Identities(key, project)
        self.profile = profile

    def run(self, received, output, *, crops):
        assert received.patient_domain == "A"
        Pipeline.crops = crops
        output.write_bytes(b"scrubbed")
        if isinstance(Pipeline.outcome, Held) and Pipeline.outcome.reason is Reason.RESIDUAL_TEXT:
            raise Held(Reason.RESIDUAL_TEXT, "left", result=_result(output))
        if isinstance(Pipeline.outcome, BaseException):
            output.unlink()
            raise Pipeline.outcome
        return _result(output)


def _result(output):
    cone = ConeFinding(outcome=ConeOutcome.NOT_APPLICABLE, confidence=0.0, box=None)
    text = TextFinding(
        frame_first=0,
        frame_last=0,
        left=1,
        top=2,
        right=3,
        bottom=4,
        text="NAME",
        confidence=0.9,
        place=TextPlace.IMAGE,
        action=TextAction.MASKED,
        rule="text",
    )
    return DeidentifiedInstance(
        path=output,
        size_bytes=8,
        sha256=hashlib.sha256(b"scrubbed").hexdigest(),
        sop_class_uid=CT,
        transfer_syntax_uid=EXPLICIT,
        sop_instance_uid="2.25.11",
        series_instance_uid="2.25.12",
        study_instance_uid="2.25.13",
        patient_id="SV-A",
        findings=Findings(frames=1, redacted_fraction=0.1, cone=cone, text=(text,), plan=None),
        profile_sha256="0" * 64,
        model_sha256={},
        crosswalk=crosswalk_entry(),
    )


@pytest.fixture
def worker(node, monkeypatch):
    """A worker whose pipeline does as told."""
    monkeypatch.setattr(module, "Deidentifier", Pipeline)
    monkeypatch.setattr(module, "_DISK_FULL_WAIT_S", 0)
    monkeypatch.setattr(Pipeline, "outcome", None)
    settings = WorkerSettings(name=WORKER, config=Config(node.root), key=KEY)
    return Worker(settings, spool=node.spool, database=node.database)


def _arrive(node, modality="CT"):
    element = b"\x08\x00\x60\x00CS" + (2).to_bytes(2, "little") + modality.encode()
    file = head(sop_class_uid=CT, sop_instance_uid="1.2.3", transfer_syntax_uid=EXPLICIT) + element
    node.arrive("1.2.3", content=file)


def _outputs(node):
    return [file for file in node.spool.files() if file.shelf is Shelf.OUTPUTS]


def test_a_clean_instance_has_output_sidecar_and_delivery(node, worker):
    """All three are there when the ledger says clean."""
    _arrive(node)

    assert worker.step()
    assert not worker.step()

    shown = node.decisions.show(1)
    assert (shown["state"], shown["rule"], shown["pseudonym"]) == ("clean", "all", "SV-A")
    assert node.delivery_states(1) == {"research": "waiting"}
    assert [file.token for file in _outputs(node)] == [shown["output_token"]]
    assert "NAME" in (node.spool.sidecar / "2.25.13.csv").read_text()
    assert "NAME" not in str(shown)


def test_the_pipeline_is_told_what_was_left_of_images_of_its_project(node, worker):
    """By the ledger, when it asks."""
    _arrive(node)
    worker.step()
    plan = {"rows": 10, "columns": 20, "crop": [1, 2, 9, 8]}
    with node.database.write() as connection:
        connection.execute(instance.update().values(record={"plan": plan}))

    crop = Pipeline.crops.get("1.2.3")

    assert (crop.rows, crop.columns, crop.box) == (10, 20, (1, 2, 9, 8))
    assert Pipeline.crops.get("1.2.4") is None


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Held(Reason.UNDECODABLE, "n"), "undecodable"),
        (MemoryError(), "resource_limit"),
        (RuntimeError("Dalloway^Clarissa"), "internal_error"),
        (OSError(errno.EIO, "Dalloway^Clarissa"), "internal_error"),
    ],
)
def test_whatever_breaks_the_instance_is_held_and_no_output_stays(node, worker, capsys, outcome, reason):
    """With its reason, and without the error's message, which may quote a header."""
    _arrive(node)
    Pipeline.outcome = outcome

    worker.step()

    assert [row.reason for row in node.decisions.held()] == [reason]
    assert _outputs(node) == []
    assert "Dalloway" not in capsys.readouterr().err + str(node.decisions.show(1))


@pytest.mark.parametrize("outcome", [TryLater("disk"), OSError(errno.ENOSPC, "full")])
def test_what_may_succeed_later_goes_back_to_the_queue(node, worker, outcome):
    """A full disk holds nothing."""
    _arrive(node)
    Pipeline.outcome = outcome

    worker.step()

    assert node.state(1) == "received"
    assert node.claim().attempt == 1


def test_a_scrubbed_result_is_kept_with_its_hold(node, worker):
    """So that a person may release exactly that."""
    _arrive(node)
    Pipeline.outcome = Held(Reason.RESIDUAL_TEXT, "left")

    worker.step()

    (held,) = node.decisions.held()
    assert held.releasable
    assert [file.token for file in _outputs(node)] == [node.decisions.show(1)["output_token"]]


@pytest.mark.parametrize(("modality", "state", "reason"), [("MR", "refused", None), ("XA", "held", "no_rule")])
def test_rules_can_refuse_and_hold(node, worker, modality, state, reason):
    """Decided after the acknowledgement; the pipeline is not asked."""
    _arrive(node, modality)

    worker.step()

    shown = node.decisions.show(1)
    assert (shown["state"], shown["reason"]) == (state, reason)
    assert _outputs(node) == []


def test_bytes_that_are_no_data_set_are_held(node, worker):
    """Whatever the parser makes of them."""
    node.arrive(content=b"\x00" * 10)

    worker.step()

    assert [row.reason for row in node.decisions.held()] == ["unreadable"]


def test_a_conversion_that_fails_is_final_for_this_target(node, worker):
    """Never sent in a syntax that the target refused."""
    number = node.clean()
    node.deliveries.want_conversion(node.deliveries.claim("research", "f", limit=1, lease_s=60)[0])

    assert worker.step()

    assert node.delivery_states(number) == {"research": "failed"}
    assert [row.reason for row in node.decisions.held()] == ["not_accepted_by_target"]


def test_a_conversion_waits_while_its_target_is_not_in_the_configuration(node, worker):
    """Taken out for a day, a target has refused nothing."""
    number = node.clean()
    node.deliveries.want_conversion(node.deliveries.claim("research", "f", limit=1, lease_s=60)[0])
    del worker._config.nodes["research"]

    assert not worker.step()

    assert node.delivery_states(number) == {"research": "waiting"}


def _withdraw_study(node):
    """Withdraw the study that `_arrive_of_study` sends, as `sonoveil withdraw --study` does."""
    return Withdrawals(node.database, node.spool, node.subjects, Config(node.root), actor="user:test").withdraw(
        Whose(patient_id=None, domain=None, study_uid="1.2.3.2")
    )


def _arrive_of_study(node):
    elements = b"\x08\x00\x60\x00CS\x02\x00CT" + b"\x20\x00\x0d\x00UI\x08\x001.2.3.2\x00"
    file = head(sop_class_uid=CT, sop_instance_uid="1.2.3", transfer_syntax_uid=EXPLICIT) + elements
    node.arrive("1.2.3", content=file, patient_id="4711", study="1.2.3.2")


def test_what_is_withdrawn_is_held_before_the_pipeline_sees_it(node, worker):
    """Whatever the rules say."""
    _withdraw_study(node)
    _arrive_of_study(node)
    Pipeline.outcome = AssertionError("it was called")

    worker.step()

    assert [row.reason for row in node.decisions.held()] == [Reason.WITHDRAWN]


def test_a_withdrawal_during_the_work_leaves_neither_output_nor_sidecar(node, worker, monkeypatch):
    """The worker made them before it could know."""
    _arrive_of_study(node)
    finished = Pipeline.run

    def run(self, received, output, *, crops):
        result = finished(self, received, output, crops=crops)
        _withdraw_study(node)
        return result

    monkeypatch.setattr(Pipeline, "run", run)

    worker.step()

    assert node.state(1) == "rejected"
    assert list(node.spool.files()) == []
    assert list(node.spool.sidecar.iterdir()) == []
    assert reconcile(node.database, node.spool).balanced


def test_the_ledger_keeps_the_crosswalk_sealed(node, worker):
    """And opens it with the key."""
    _arrive(node)
    worker.step()

    with node.database.read() as connection:
        row = connection.execute(sa.select(instance)).one()
    assert node.subjects.entry(row.crosswalk, token=row.token) == crosswalk_entry()
    with pytest.raises(SealBrokenError):
        node.subjects.entry(row.crosswalk, token="0" * 32)
