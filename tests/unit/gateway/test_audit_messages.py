"""Audit rows as DICOM Audit Messages: valid by PS3.15 A.5.1, true, and free of patient data."""

import base64
import json
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

from config.load import load_gateway
from gateway.audit_chain import verify
from gateway.audit_messages import EVENTS, LARGEST_BYTES, Messages
from gateway.cli import main
from tests.factories.audit_schema import faults
from tests.factories.crosswalk import crosswalk_entry

from .conftest import SmallNode, write_configuration

ACTIONS = (
    *("start", "stop", "reload", "config_change", "model_change", "receive", "clean", "hold", "refuse", "release"),
    *("reject", "retry", "retry_target", "resend", "send", "send_of_cancelled", "delivery_failed", "convert"),
    *("supersede", "withdraw", "lift_withdrawal", "pull", "crosswalk_lookup", "crosswalk_export", "ask_commitment"),
    *("confirm", "missing_at_target", "not_committed_by_target", "delete_originals", "delete_outputs", "repair"),
    *("audit_export", "something_of_a_later_version"),
)


@pytest.fixture
def config_file(tmp_path):
    """A configuration; what messages say stands in it."""
    nodes = {
        "clinical": {"ae_title": "CLINICAL", "host": ["10.0.0.0/24", "10.1.2.3"], "port": 104, "allow_store": True},
        "research": {"ae_title": "RESEARCH", "host": "pacs.example", "port": 104, "local_aet": "SENDER"},
    }
    return write_configuration(tmp_path, nodes=nodes, audit={"participants": "none"})


@pytest.fixture
def node(config_file):
    """The ledger and spool of that configuration."""
    small = SmallNode(config_file.parent / "storage")
    yield small
    small.database.close()


def _messages(config_file, *, participants="none"):
    text = config_file.read_text().replace("participants: none", f"participants: {participants}")
    config_file.write_text(text)
    return Messages(load_gateway(config_file), hostname="gate.example")


def _row(action, **changes):
    row = {
        "id": 7,
        "at": 1_700_000_000.25,
        "actor": "node",
        "action": action,
        "instance_id": 3,
        "detail": {"node": "clinical", "target": "research", "reason": "residual_text", "outcome": "missing"},
        "previous_sha256": b"\1" * 32,
        "sha256": b"\2" * 32,
    }
    return SimpleNamespace(**row | changes)


ABOUT = SimpleNamespace(
    id=3,
    calling_aet="CLINICAL",
    called_aet="SONOVEIL",
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    public_study_uid="2.25.9",
    pseudonym="SV-A",
)


def _participants(root):
    return {
        one.get("UserID"): (
            one.get("AlternativeUserID"),
            one.get("UserIsRequestor"),
            one.get("NetworkAccessPointID"),
            one.get("NetworkAccessPointTypeCode"),
            *(role.get("csd-code") for role in one.findall("RoleIDCode")),
        )
        for one in root.findall("ActiveParticipant")
    }


def _objects(root):
    return {
        (one.find("ParticipantObjectIDTypeCode").get("csd-code"), one.get("ParticipantObjectID"))
        for one in root.findall("ParticipantObjectIdentification")
    }


def _details(root):
    return {
        detail.get("type"): base64.b64decode(detail.get("value"))
        for detail in root.findall("ParticipantObjectIdentification")[-1].findall("ParticipantObjectDetail")
    }


@pytest.mark.parametrize("participants", ["none", "pseudonyms"])
@pytest.mark.parametrize("actor", ["node", "user:alice"])
@pytest.mark.parametrize("about", [None, ABOUT])
@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_a_valid_message(config_file, action, about, actor, participants):
    """By the structure of the standard's schema, with one requestor at most."""
    message = _messages(config_file, participants=participants).message(_row(action, actor=actor), about)

    assert faults(message.xml) == []
    assert b"\n" not in message.xml


def test_the_check_of_the_schema_can_fail(config_file):
    """A message that lacks something, has too much, or has it at another place is no message."""
    good = _messages(config_file).message(_row("receive"), ABOUT).xml.decode()

    for before, after in (
        ('EventOutcomeIndicator="0"', 'EventOutcomeIndicator="1"'),
        ('EventOutcomeIndicator="0"', ""),
        ('originalText="Source Role ID"', 'displayName="Source Role ID"'),
        ("<ParticipantObjectName>audit row</ParticipantObjectName>", ""),
        ('UserIsRequestor="false"', 'UserIsRequestor="no"'),
        ('UserIsRequestor="false"', 'UserIsRequestor="true"'),
        ("2023-11-14T22:13:20.250+00:00", "yesterday"),
        ("<AuditMessage>", '<AuditMessage version="1">'),
        ("</AuditMessage>", "<ActiveParticipant /></AuditMessage>"),
        ("AuditSourceIdentification", "AuditSource"),
    ):
        assert before in good
        assert faults(good.replace(before, after).encode()) != [], after
    assert faults(good.encode()) == []


def test_who_received_what_from_whom(config_file):
    """Source and destination with AE titles and addresses; the sender is the requestor."""
    root = ET.fromstring(_messages(config_file).message(_row("receive"), ABOUT).xml)

    event = root.find("EventIdentification")
    assert event.get("EventDateTime") == "2023-11-14T22:13:20.250+00:00"
    assert [one.get("csd-code") for one in event.findall("EventID")] == ["110104"]
    assert _participants(root) == {
        "clinical": ("AETITLES=CLINICAL", "true", "10.1.2.3", "2", "110153"),
        "sonoveil": ("AETITLES=SONOVEIL", "false", "gate.example", "1", "110152"),
    }
    assert root.find("AuditSourceIdentification").get("AuditSourceID") == "SONOVEIL"
    assert [one.get("UID") for one in root.iter("SOPClass")] == ["1.2.840.10008.5.1.4.1.1.2"]


def test_who_was_sent_what(config_file):
    """With the AE title that the target is called with."""
    root = ET.fromstring(_messages(config_file).message(_row("send"), ABOUT).xml)

    assert _participants(root) == {
        "sonoveil": ("AETITLES=SENDER", "true", "gate.example", "1", "110153"),
        "research": ("AETITLES=RESEARCH", "false", "pacs.example", "1", "110152"),
    }


def test_a_person_is_named_as_login_and_machine(config_file):
    """PS3.15 A.5.2.1: loginName@domain-name; the person is the requestor."""
    root = ET.fromstring(_messages(config_file).message(_row("crosswalk_lookup", actor="user:alice"), None).xml)

    assert _participants(root)["alice@gate.example"][1] == "true"
    assert _participants(root)["sonoveil"][1] == "false"
    assert [one.get("csd-code") for one in root.iter("EventTypeCode")] == ["110132", "crosswalk_lookup"]


@pytest.mark.parametrize(
    ("action", "outcome", "described"),
    [
        ("clean", "0", None),
        ("hold", "4", "residual_text"),
        ("delivery_failed", "8", "residual_text"),
        ("pull", "4", "residual_text"),
    ],
)
def test_what_did_not_go_well_says_so(config_file, action, outcome, described):
    """Outcome and reason, a word of ours."""
    message = _messages(config_file).message(_row(action), ABOUT)
    root = ET.fromstring(message.xml)

    assert message.outcome == outcome
    assert root.findtext(".//EventOutcomeDescription") == described


def test_by_default_no_patient_and_no_study_is_a_participant(config_file):
    """Objects are named by the ledger's numbers."""
    messages = _messages(config_file)
    for action in ACTIONS:
        xml = messages.message(_row(action), ABOUT).xml
        assert b"2.25.9" not in xml
        assert b"SV-A" not in xml
    assert _objects(ET.fromstring(messages.message(_row("send"), ABOUT).xml)) == {("instance", "3"), ("audit-row", "7")}


def test_with_pseudonyms_the_new_study_and_patient_are_named(config_file):
    """Only where there are any, and as anonymised only where that is what was sent."""
    messages = _messages(config_file, participants="pseudonyms")
    sent = ET.fromstring(messages.message(_row("send"), ABOUT).xml)
    received = ET.fromstring(messages.message(_row("receive"), ABOUT).xml)
    fresh = SimpleNamespace(**vars(ABOUT) | {"public_study_uid": None, "pseudonym": None})

    assert {("110180", "2.25.9"), ("2", "SV-A")} < _objects(sent)
    assert sent.findtext(".//Anonymized") == "true"
    assert received.find(".//Anonymized") is None
    assert _objects(ET.fromstring(messages.message(_row("receive"), fresh).xml)) == {
        ("instance", "3"),
        ("audit-row", "7"),
    }


def test_what_a_person_wrote_and_unknown_details_are_not_told(config_file):
    """Free text may name somebody; details are told by an allow-list."""
    detail = {"reason": "residual_text", "why": "MUELLER called", "new_detail": "4711", "count": 2}
    root = ET.fromstring(_messages(config_file).message(_row("release", actor="user:alice", detail=detail), ABOUT).xml)

    assert _details(root) == {
        "sha256": b"\2" * 32,
        "previous_sha256": b"\1" * 32,
        "reason": b"residual_text",
        "count": b"2",
    }


def test_a_class_uid_of_the_senders_own_is_left_out(config_file):
    """It is a peer's word; the schema lets it be missing."""
    about = SimpleNamespace(**vars(ABOUT) | {"sop_class_uid": "1.2.3.19701231"})
    xml = _messages(config_file).message(_row("receive"), about).xml

    assert b"19701231" not in xml
    assert faults(xml) == []


def test_a_message_stays_within_what_a_repository_must_take(config_file):
    """PS3.15 A.6: 32768 octets. The hashes stay."""
    detail = {f"profile {number}": "0" * 64 for number in range(2000)}
    xml = _messages(config_file).message(_row("config_change", detail=detail), None).xml

    assert len(xml) < LARGEST_BYTES
    assert set(_details(ET.fromstring(xml))) == {"sha256", "previous_sha256"}
    assert faults(xml) == []


def test_characters_that_xml_forbids_are_replaced(config_file):
    """Who may write a login name may write anything."""
    message = _messages(config_file).message(_row("reject", actor='user:a\0<b>&"\ud800'), ABOUT)

    assert faults(message.xml) == []


def test_every_event_of_the_table_is_of_the_standard():
    """Codes of CID 400 and 401 (PS3.16)."""
    known = {"110100", "110101", "110103", "110104", "110105", "110112", "110113"}

    assert {event.event_id[0] for event in EVENTS.values()} == known


def _run(capsys, *arguments):
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def _lived(node):
    """Let one object of a known patient go through, one be held and rejected; return what is known of the patient."""
    entry = crosswalk_entry(instance_uid=("1.2.7.7", "2.25.7"), study_uid=("1.2.8.8", "2.25.8"), patient_id="PAT4711")
    number = node.clean_of(entry)
    (claimed,) = node.deliveries.claim("research", "f", limit=1, lease_s=60)
    node.deliveries.record_sent(claimed, status=0)
    node.arrive("1.2.7.7", b"other bytes", patient_id="PAT4711", study="1.2.8.8")
    node.decisions.reject(number + 1, reason="PAT4711 said so")
    return [text.encode() for text in ("1.2.7.7", "1.2.8.8", "PAT4711", entry.accession_number[0])]


@pytest.mark.parametrize("participants", ["none", "pseudonyms"])
def test_the_export_is_a_file_of_valid_messages_without_the_source(capsys, config_file, node, tmp_path, participants):
    """One a line, all rows, the export itself among them; nothing of the patient in any."""
    secrets = _lived(node)
    config_file.write_text(config_file.read_text().replace("participants: none", f"participants: {participants}"))
    file = tmp_path / "audit.xml"

    code, out, _ = _run(capsys, "audit", "export", "-c", str(config_file), "-o", str(file), "--json")

    lines = file.read_bytes().splitlines()
    rows = verify(node.database).rows
    assert code == 0
    assert json.loads(out) == {"messages": rows, "last": rows}
    assert len(lines) == rows >= 6
    assert [fault for line in lines for fault in faults(line)] == []
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes() + b"".join(value for line in lines for value in _details(ET.fromstring(line)).values())
    assert [secret for secret in secrets if secret in content] == []
    assert (b"2.25.8" in content) == (participants == "pseudonyms")
    last = ET.fromstring(lines[-1])
    assert last.find(".//EventID").get("csd-code") == "110101"
    assert last.find(".//ParticipantObjectName").text == "Security Audit Log"


def test_an_export_goes_on_after_a_row_and_never_overwrites(capsys, config_file, node, tmp_path):
    """By the number that the last one printed."""
    _lived(node)
    _run(capsys, "audit", "export", "-c", str(config_file), "-o", str(tmp_path / "a"))
    before = verify(node.database).rows

    code, _, _ = _run(
        capsys, "audit", "export", "-c", str(config_file), "-o", str(tmp_path / "b"), "--after", str(before)
    )
    assert code == 0
    assert len((tmp_path / "b").read_bytes().splitlines()) == 1
    code, _, err = _run(capsys, "audit", "export", "-c", str(config_file), "-o", str(tmp_path / "b"))
    assert code == 2
    assert "exists" in err


def test_verify_prints_what_to_note_and_takes_it_back(capsys, config_file, node):
    """And names the first row that does not fit."""
    _lived(node)
    code, out, _ = _run(capsys, "audit", "verify", "-c", str(config_file), "--json")
    said = json.loads(out)
    assert code == 0
    assert said["holds"]

    assert _run(capsys, "audit", "verify", "-c", str(config_file), "--noted", said["last"])[0] == 0
    other = said["last"].partition(":")[0] + ":" + "0" * 64
    code, out, err = _run(capsys, "audit", "verify", "-c", str(config_file), "--noted", other)
    assert code == 1
    assert err.strip() == f"audit_chain_broken: audit {said['rows']}"
    with pytest.raises(SystemExit):
        main(["audit", "verify", "-c", str(config_file), "--noted", "7"])
