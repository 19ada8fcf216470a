"""STOW-RS to a target: Orthanc's DICOMweb plugin, and a service of our own that answers whatever a test wants."""

from __future__ import annotations

import json
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from config.gateway import Node, NodeTls
from config.load import write_key
from gateway import part10
from gateway.cli import main
from gateway.dicomweb.probe import probe
from gateway.dicomweb.sender import WebSender
from gateway.forward import OutcomeKind, Outgoing
from gateway.requestor import Failure
from tests.peers.certificates import Authority
from tests.peers.orthanc import dicomweb_plugin, orthanc
from tests.peers.programs import free_port
from tests.peers.raw import EXPLICIT_LITTLE, small_object
from tests.peers.receiving import LOOPBACK, token_file
from tests.peers.stow_service import Reply, module_of, stow_service

CT = "1.2.840.10008.5.1.4.1.1.2"
SAMPLES = ["CT_small.dcm", "rtplan.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "examples_ybr_color.dcm", "image_dfl.dcm"]
TOKEN = "0123456789abcdef" * 4


def _object(folder: Path, number: int, *, pixel_bytes: int = 64) -> Outgoing:
    """Write a Part 10 file and return how to send it."""
    uid = f"1.2.3.{number}"
    path = folder / f"{number}.dcm"
    head = part10.head(sop_class_uid=CT, sop_instance_uid=uid, transfer_syntax_uid=EXPLICIT_LITTLE)
    path.write_bytes(head + small_object(CT, uid, pixel_bytes=pixel_bytes))
    return Outgoing(
        path=path, sop_class_uid=CT, sop_instance_uid=uid, transfer_syntax_uid=EXPLICIT_LITTLE, token=str(number)
    )


def _samples() -> list[Outgoing]:
    outgoing = []
    for name in SAMPLES:
        path = Path(str(get_testdata_file(name, download=False)))
        header = pydicom.dcmread(path, stop_before_pixels=True)
        outgoing.append(
            Outgoing(
                path=path,
                sop_class_uid=str(header.SOPClassUID),
                sop_instance_uid=str(header.SOPInstanceUID),
                transfer_syntax_uid=str(header.file_meta.TransferSyntaxUID),
                token=name,
            )
        )
    return outgoing


def _sender(url: str, *, timeout_s: float = 20, tls: NodeTls | None = None, **settings: object) -> WebSender:
    return WebSender("research", Node(url=url, timeout=timedelta(seconds=timeout_s), tls=tls, **settings), tls=tls)


def test_the_bytes_in_the_body_are_the_bytes_of_the_file(tmp_path):
    """Every syntax and size goes out unchanged, with the token, over one connection."""
    objects = [*_samples(), _object(tmp_path, 1, pixel_bytes=3_000_000), _object(tmp_path, 2, pixel_bytes=0)]
    token = token_file(tmp_path, "research", TOKEN)

    with stow_service() as peer, _sender(peer.url, token_file=token) as sender:
        outcomes = list(sender.send(objects))

    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.SENT] * len(objects)
    assert [outcome.token for outcome in outcomes] == [outgoing.token for outgoing in objects]
    assert [outcome.sent_bytes for outcome in outcomes] == [outgoing.path.stat().st_size for outgoing in objects]
    assert peer.parts == [outgoing.path.read_bytes() for outgoing in objects]
    assert {request.path for request in peer.requests} == {"/dicom-web/studies"}
    assert {request.headers["authorization"] for request in peer.requests} == {f"Bearer {TOKEN}"}
    assert peer.connections == 1


def test_orthanc_has_what_was_sent(tmp_path):
    """A real PACS takes every sample and keeps the very files; a second send of one changes nothing."""
    objects = _samples()

    with orthanc(tmp_path / "pacs", ae_title="RESEARCH", settings=dicomweb_plugin()) as pacs:
        url = f"http://{LOOPBACK}:{pacs.http_port}/dicom-web"
        found = probe(Node(url=url), tls=None)
        elsewhere = probe(Node(url=f"http://{LOOPBACK}:{pacs.http_port}/no-such"), tls=None)
        with _sender(url) as sender:
            outcomes = list(sender.send([*objects, objects[0]]))
        kept = {pacs.file(instance) for instance in pacs.instances()}

    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.SENT}
    assert kept == {outgoing.path.read_bytes() for outgoing in objects}
    assert found.answered
    assert (elsewhere.answered, elsewhere.note[:8]) == (False, "HTTP 404")


def _failed(code):
    return lambda instance: module_of(instance, failure=code)


def _warned(code):
    return lambda instance: module_of(instance, warning=code)


def _other(code):
    return lambda _: {"0008119A": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [code]}}]}}


def _about_another(instance):
    instance.SOPInstanceUID = "1.2.3.4711"
    return module_of(instance)


ANSWERS = {
    "stored": (Reply(), OutcomeKind.SENT, 0, None),
    "stored, said in a list": (Reply(body=lambda it: b"[%s]" % _json(module_of(it))), OutcomeKind.SENT, 0, None),
    "coerced": (Reply(body=_warned(0xB000)), OutcomeKind.SENT_WITH_WARNING, 0xB000, None),
    "202 with a warning": (Reply(status=202, body=_warned(0xB006)), OutcomeKind.SENT_WITH_WARNING, 0xB006, None),
    "202 that failed it": (Reply(status=202, body=_failed(0xA900)), OutcomeKind.REFUSED, 0xA900, None),
    "409 class": (Reply(status=409, body=_failed(0x0122)), OutcomeKind.REFUSED, 0x0122, None),
    "409 processing": (Reply(status=409, body=_failed(0x0110)), OutcomeKind.REFUSED, 0x0110, None),
    "409 other failures": (Reply(status=409, body=_other(0xC000)), OutcomeKind.REFUSED, 0xC000, None),
    "409 resources": (Reply(status=409, body=_failed(0xA700)), OutcomeKind.LATER, 0xA700, Failure.OUT_OF_RESOURCES),
    "409 syntax": (Reply(status=409, body=_failed(0xC122)), OutcomeKind.SYNTAX_NOT_ACCEPTED, None, None),
    "409 without a word": (Reply(status=409, body=b""), OutcomeKind.REFUSED, 409, None),
    "400": (Reply(status=400, body=b"no"), OutcomeKind.REFUSED, 400, None),
    "413": (Reply(status=413, body=b""), OutcomeKind.REFUSED, 413, None),
    "415": (Reply(status=415, body=b""), OutcomeKind.SYNTAX_NOT_ACCEPTED, None, None),
    "401": (Reply(status=401, body=b""), OutcomeKind.LATER, 401, Failure.REJECTED),
    "403": (Reply(status=403, body=b""), OutcomeKind.LATER, 403, Failure.REJECTED),
    "404": (Reply(status=404, body=b""), OutcomeKind.LATER, 404, Failure.REJECTED),
    "redirected": (
        Reply(status=302, body=b"", headers={"Location": "/elsewhere"}),
        OutcomeKind.LATER,
        302,
        Failure.REJECTED,
    ),
    "408": (Reply(status=408, body=b""), OutcomeKind.LATER, 408, Failure.OUT_OF_RESOURCES),
    "429": (Reply(status=429, body=b""), OutcomeKind.LATER, 429, Failure.OUT_OF_RESOURCES),
    "500": (Reply(status=500, body=b"oh"), OutcomeKind.LATER, 500, Failure.OUT_OF_RESOURCES),
    "503": (Reply(status=503, body=_failed(0xA900)), OutcomeKind.LATER, 503, Failure.OUT_OF_RESOURCES),
    "a proxy's 200": (Reply(body=b"<html>hello</html>"), OutcomeKind.LATER, 200, Failure.BAD_ANSWER),
    "200 about another": (Reply(body=_about_another), OutcomeKind.LATER, 200, Failure.BAD_ANSWER),
    "200 without a body": (Reply(body=b""), OutcomeKind.LATER, 200, Failure.BAD_ANSWER),
    "an endless answer": (Reply(body=b" " * (2 << 20)), OutcomeKind.LATER, 200, Failure.BAD_ANSWER),
    "no answer": (Reply(hangs=True), OutcomeKind.LATER, None, Failure.TIMEOUT),
    "an answer that drips": (Reply(drips=True), OutcomeKind.LATER, None, Failure.TIMEOUT),
    "cut within the body": (Reply(cut_after_bytes=1), OutcomeKind.LATER, None, Failure.ABORTED),
    "no HTTP": (Reply(body=b"", headers={"A\r\n\0B": "x"}), OutcomeKind.LATER, None, Failure.ABORTED),
}


def _json(module):
    return json.dumps(module).encode()


@pytest.mark.parametrize("answer", ANSWERS)
def test_each_answer_means_one_thing(tmp_path, answer):
    """Success, a note, a refusal with its status, or later with the reason; exactly one outcome, and never two."""
    reply, kind, status, why = ANSWERS[answer]
    outgoing = _object(tmp_path, 1, pixel_bytes=400_000)

    with stow_service(reply) as peer, _sender(peer.url, timeout_s=1) as sender:
        (outcome,) = sender.send([outgoing])

    assert (outcome.kind, outcome.status, outcome.why) == (kind, status, why)
    assert outcome.sent_bytes == (outgoing.path.stat().st_size if kind in _DELIVERED else 0)


_DELIVERED = {OutcomeKind.SENT, OutcomeKind.SENT_WITH_WARNING}


def test_a_target_that_recovers_gets_the_same_bytes(tmp_path):
    """503 first: two failures in a row leave the rest untried, and later everything arrives once."""
    objects = [_object(tmp_path, number) for number in range(4)]

    with stow_service(Reply(status=503, body=b""), Reply(status=503, body=b"")) as peer, _sender(peer.url) as sender:
        first = [(outcome.kind, outcome.why) for outcome in sender.send(objects)]
        peer.requests.clear()
        again = [outcome.kind for outcome in sender.send(objects)]

    later = OutcomeKind.LATER
    assert first == [(later, Failure.OUT_OF_RESOURCES)] * 2 + [(later, Failure.NOT_TRIED)] * 2
    assert again == [OutcomeKind.SENT] * 4
    assert peer.parts == [outgoing.path.read_bytes() for outgoing in objects]


def test_a_token_that_is_not_taken_rests_the_whole_target(tmp_path):
    """One request, then nobody is asked again: every object would fare the same."""
    with stow_service(Reply(status=401, body=b"")) as peer, _sender(peer.url) as sender:
        outcomes = list(sender.send([_object(tmp_path, number) for number in range(3)]))

    assert [outcome.is_target_down for outcome in outcomes] == [True] * 3
    assert len(peer.requests) == 1


def test_nobody_there_is_later_and_stops_the_batch(tmp_path):
    """Nothing listens."""
    with _sender(f"http://{LOOPBACK}:{free_port()}/dicom-web") as sender:
        outcomes = list(sender.send([_object(tmp_path, number) for number in range(2)]))

    assert [outcome.why for outcome in outcomes] == [Failure.UNREACHABLE, Failure.NOT_TRIED]


def test_a_connection_that_was_closed_meanwhile_is_no_failure(tmp_path):
    """The service ends each connection after its answer without saying so; every object is sent once."""
    objects = [_object(tmp_path, number) for number in range(3)]

    with stow_service(*[Reply(closes=True)] * 3) as peer, _sender(peer.url) as sender:
        outcomes = [outcome.kind for outgoing in objects for outcome in sender.send([outgoing])]

    assert outcomes == [OutcomeKind.SENT] * 3
    assert (len(peer.requests), peer.connections) == (3, 3)


def test_a_kept_connection_that_breaks_is_tried_once_on_a_new_one(tmp_path):
    """It breaks within the second request: that is not yet a failure; on a fresh connection it is one."""
    objects = [_object(tmp_path, number, pixel_bytes=400_000) for number in range(3)]
    cut = Reply(cut_after_bytes=1)

    with stow_service(Reply(), cut, Reply(), cut, cut) as peer, _sender(peer.url) as sender:
        outcomes = [(outcome.kind, outcome.why) for outcome in sender.send(objects)]

    sent = (OutcomeKind.SENT, None)
    assert outcomes == [sent, sent, (OutcomeKind.LATER, Failure.ABORTED)]
    assert peer.parts == [outgoing.path.read_bytes() for outgoing in objects[:2]]


def test_a_file_that_became_shorter_is_never_a_whole_request(tmp_path, monkeypatch):
    """The connection ends within the body; the next object is sent all the same."""
    short, good = _object(tmp_path, 1), _object(tmp_path, 2)
    size = short.path.stat().st_size
    real = Path.stat
    monkeypatch.setattr(Path, "stat", lambda path, **kw: _Longer(size + 5) if path == short.path else real(path, **kw))

    with stow_service() as peer, _sender(peer.url) as sender:
        outcomes = [(outcome.kind, outcome.why) for outcome in sender.send([short, good])]

    assert outcomes == [(OutcomeKind.LATER, Failure.FILE), (OutcomeKind.SENT, None)]
    assert len(peer.requests) == 1


class _Longer:
    def __init__(self, size):
        self.st_size = size


def test_memory_does_not_grow_with_the_object(tmp_path):
    """A sparse file of 96 MB passes through in pieces of a megabyte."""
    outgoing = _object(tmp_path, 1)
    with outgoing.path.open("r+b") as file:
        file.truncate(96 << 20)
    uid = outgoing.sop_instance_uid
    stored = {"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [uid]}}]}}

    with stow_service(Reply(body=lambda _: stored), keeps_bodies=False) as peer, _sender(peer.url) as sender:
        tracemalloc.start()
        try:
            (outcome,) = sender.send([outgoing])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert outcome.kind is OutcomeKind.SENT
    assert peer.requests[0].size_bytes > outgoing.path.stat().st_size
    assert peak < 8 << 20


@pytest.fixture
def authority(tmp_path):
    """An authority whose files lie in a folder of their own."""
    (tmp_path / "pki").mkdir()
    return Authority(tmp_path / "pki", "authority")


def _tls(authority, pair=None, server_name=None):
    return NodeTls(
        trusted_certificates=authority.certificate,
        certificate=None if pair is None else pair.certificate,
        private_key=None if pair is None else pair.private_key,
        server_name=server_name,
    )


def test_only_a_trusted_certificate_with_the_right_name_gets_anything(tmp_path, authority):
    """Another authority's, another name, or a service without TLS: nothing is sent, the target rests."""
    (tmp_path / "others").mkdir()
    stranger = Authority(tmp_path / "others", "stranger")
    pair = authority.vouch_for("pacs.example")
    outgoing = _object(tmp_path, 1)

    def sent(peer, **tls):
        with _sender(peer.url.replace("http:", "https:"), tls=_tls(**tls)) as sender:
            (outcome,) = sender.send([outgoing])
        return outcome.kind, outcome.why

    with stow_service(pair=pair) as peer, stow_service() as plain:
        assert sent(peer, authority=stranger) == (OutcomeKind.LATER, Failure.TLS)
        assert sent(peer, authority=authority, server_name="other.example") == (OutcomeKind.LATER, Failure.TLS)
        assert sent(plain, authority=authority) == (OutcomeKind.LATER, Failure.TLS)
        assert peer.requests == plain.requests == []
        assert sent(peer, authority=authority) == (OutcomeKind.SENT, None)
        assert sent(peer, authority=authority, server_name="pacs.example") == (OutcomeKind.SENT, None)


def test_a_service_that_wants_our_certificate_gets_it(tmp_path, authority):
    """Without one, it is TLS that failed, and not the object."""
    outgoing, ours = _object(tmp_path, 1), authority.vouch_for("gateway.example")
    with stow_service(pair=authority.vouch_for("pacs.example"), callers=authority) as peer:
        with _sender(peer.url, tls=_tls(authority)) as sender:
            (without,) = sender.send([outgoing])
        with _sender(peer.url, tls=_tls(authority, ours)) as sender:
            (shown,) = sender.send([outgoing])

    assert (without.kind, without.why) == (OutcomeKind.LATER, Failure.TLS)
    assert shown.kind is OutcomeKind.SENT


def test_https_without_anybody_who_is_trusted_is_refused():
    """A fault of ours must not become a connection that nobody verifies."""
    with pytest.raises(ValueError, match="cannot be called"):
        WebSender("research", Node(url="https://pacs.example/dicom-web"))


@pytest.mark.parametrize(
    ("status", "answered"), [(200, True), (204, True), (405, True), (401, False), (403, False), (503, False)]
)
def test_a_probe_says_whether_it_may_store(status, answered):
    """Without storing anything."""
    with stow_service(Reply(status=status, body=b"")) as peer:
        assert probe(Node(url=peer.url), tls=None).answered is answered
        assert peer.requests == []


def test_check_says_what_a_node_with_a_url_answers(tmp_path, capsys):
    """In words, and with the exit status."""
    write_key(tmp_path / "key")
    file = tmp_path / "gateway.yaml"
    with stow_service(Reply(status=401, body=b"")) as peer:
        file.write_text(
            f"nodes: {{research: {{url: '{peer.url}'}}}}\nstorage: {{path: store, reserve_space: 1MB}}\n"
            "rules: [{name: default, fallback: true, action: hold}]\nsecrets: {key_file: key}\n"
        )
        refused = main(["check", "-c", str(file)]), capsys.readouterr().out
        taken = main(["check", "-c", str(file)]), capsys.readouterr().out

    assert refused[0] == 1
    assert "FAIL  node research: HTTP 401" in refused[1]
    assert taken[0] == 0
    assert "ok    node research: answers DICOMweb" in taken[1]
