"""STOW-RS into the intake: what is stored, what is answered, who is let in, and callers that misbehave."""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import subprocess
import threading
import tracemalloc
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.data import get_testdata_file
from requests import HTTPError

from config.gateway import Node, NodeTls, Timeouts, Tls
from gateway.dicomweb import service
from gateway.dicomweb.server import StoreServer
from gateway.intake import OutOfResources
from tests.factories.planted import planted_object
from tests.peers.certificates import Authority
from tests.peers.programs import find, wait_until
from tests.peers.receiving import FolderIntake, data_set_sha256, serving_web, token_file, web_config
from tests.peers.stow import (
    BOUNDARY,
    CONTENT_TYPE,
    FAILED,
    OTHER,
    REFERENCED,
    body_of,
    connect,
    head_of,
    read_answer,
    stow,
)

TOKEN = "0123456789abcdef" * 4
OTHER_TOKEN = "fedcba9876543210" * 4
CT = Path(str(get_testdata_file("CT_small.dcm", download=False)))
SAMPLES = ["CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "image_dfl.dcm", "test-SR.dcm"]


@pytest.fixture
def intake(tmp_path):
    """An intake that keeps files in a folder."""
    folder = tmp_path / "taken"
    folder.mkdir()
    return FolderIntake(folder=folder)


@pytest.fixture
def viewer(tmp_path):
    """A node that may store with a token, from this machine."""
    return Node(host=("127.0.0.1",), allow_store=True, caller_token_file=token_file(tmp_path, "viewer", TOKEN))


@pytest.fixture
def files(tmp_path):
    """Return `count` small objects as bytes."""

    def make(count):
        made = [planted_object("CT", seed=1, instance=number + 1, rows=32, columns=32) for number in range(count)]
        return [one.save(tmp_path / f"{number}.dcm").read_bytes() for number, one in enumerate(made)]

    return make


def _no_part_is_left(intake):
    kept = {path for path, _ in intake.arrivals}
    wait_until(lambda: set(intake.folder.iterdir()) == kept, what="part files are gone")


def test_every_part_arrives_as_it_was_and_is_named_in_the_answer(intake, viewer):
    """Class, syntax and data set are those of the file; the hash is the one that a C-STORE would give."""
    sources = [Path(str(get_testdata_file(name, download=False))) for name in SAMPLES]
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        answer = stow(server.port, [source.read_bytes() for source in sources], token=TOKEN)

    assert (answer.status, answer.headers["content-type"]) == (200, "application/dicom+json")
    arrived = [arrival for _, arrival in intake.arrivals]
    assert answer.instances(REFERENCED) == [arrival.sop_instance_uid for arrival in arrived]
    assert len(arrived) == len(sources)
    for source, (path, arrival) in zip(sources, intake.arrivals, strict=True):
        assert data_set_sha256(path.read_bytes()) == data_set_sha256(source.read_bytes()) == arrival.content_sha256
        assert (arrival.node_name, arrival.called_aet) == ("viewer", "SONOVEIL")


def test_a_client_that_others_use_stores_and_reads_the_answer(intake, viewer):
    """dicomweb-client: data sets of several syntaxes in one request, then one that is refused."""
    datasets = [dcmread(str(get_testdata_file(name, download=False))) for name in ("CT_small.dcm", "MR_small_RLE.dcm")]
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        url = f"http://127.0.0.1:{server.port}/dicom-web"
        client = DICOMwebClient(url, headers={"Authorization": f"Bearer {TOKEN}"})
        answer = client.store_instances(datasets)
        elsewhere = client.store_instances(datasets[:1], study_instance_uid=datasets[0].StudyInstanceUID)
        with pytest.raises(HTTPError, match="401"):
            DICOMwebClient(url).store_instances(datasets)

    stored = [str(item.ReferencedSOPInstanceUID) for item in answer.ReferencedSOPSequence]
    assert stored == [str(dataset.SOPInstanceUID) for dataset in datasets]
    assert len(elsewhere.ReferencedSOPSequence) == 1
    assert len(intake.arrivals) == 3
    for dataset, (path, _) in zip(datasets, intake.arrivals, strict=False):
        assert dcmread(path) == dataset


def test_curl_stores_with_a_length_and_in_chunks_and_is_refused_before_it_sends(intake, tmp_path, viewer):
    """Curl asks for the word to go on before a long body: with a wrong token it never gets it."""
    body = tmp_path / "body"
    body.write_bytes(body_of([CT.read_bytes()] * 30))
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:

        def curl(*arguments, token=TOKEN):
            done = subprocess.run(
                [
                    *(find("curl"), "-s", "-S", "-X", "POST", "-H", f"Content-Type: {CONTENT_TYPE}"),
                    *("-H", f"Authorization: Bearer {token}", "-H", "Accept: application/dicom+json"),
                    *("-o", os.devnull, "-w", "%{http_code} %{size_upload}", *arguments),
                    f"http://127.0.0.1:{server.port}/dicom-web/studies",
                ],
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
            return tuple(map(int, done.stdout.split()))

        assert curl("--data-binary", f"@{body}") == (200, body.stat().st_size)
        assert curl("-T", str(body), "-H", "Transfer-Encoding: chunked")[0] == 200
        assert curl("--data-binary", f"@{body}", "-H", "Expect: 100-continue", token=OTHER_TOKEN) == (401, 0)

    assert len(intake.arrivals) == 60


def test_some_stored_is_202_with_the_reason_of_each_that_is_not(intake, viewer, files):
    """A part that is no DICOM file, one whose data set names another instance, and a good one."""
    good, other = files(2)
    uid = re.search(rb"1\.2\.826\.0\.1\.3680043\.8\.498\.77[0-9.]+", other[132:400])[0]
    differing = other.replace(uid, uid[:-1] + b"9", 1)
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        answer = stow(server.port, [b"no DICOM at all " * 20, differing, good], token=TOKEN)

    assert answer.status == 202
    assert answer.reasons(OTHER) == [0xC000]
    assert answer.reasons(FAILED) == [0xA900]
    assert len(answer.instances(REFERENCED)) == len(intake.arrivals) == 1
    _no_part_is_left(intake)


def test_nothing_stored_is_409_and_nothing_sent_is_400(intake, viewer):
    """As PS3.18 Table 10.5.3-1 has it."""
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        assert stow(server.port, [b"x" * 500], token=TOKEN).status == 409
        assert stow(server.port, [], token=TOKEN).status == 400


def test_a_study_in_the_url_takes_only_its_own(intake, viewer, files):
    """Another study's object fails; the same object is taken where no study is named."""
    (content,) = files(1)
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        other = stow(server.port, [content], token=TOKEN, path="/dicom-web/studies/1.2.3")
        assert (other.status, other.reasons(FAILED)) == (409, [0xA900])
        assert stow(server.port, [content], token=TOKEN).status == 200
        study = intake.arrivals[0][1].study_instance_uid
        assert stow(server.port, [content], token=TOKEN, path=f"/dicom-web/studies/{study}").status == 200


def test_nobody_without_a_nodes_token_learns_anything(intake, tmp_path, viewer, capsys):
    """401 for every path and method; the log says so without a token or a path."""
    elsewhere = Node(
        host=("10.9.9.9",), allow_store=True, caller_token_file=token_file(tmp_path, "elsewhere", OTHER_TOKEN)
    )
    with serving_web(web_config(nodes={"viewer": viewer, "elsewhere": elsewhere}), intake) as server:
        for token in (None, "", TOKEN[:-1], TOKEN + "0", TOKEN.upper()):
            for path in ("/dicom-web/studies", "/dicom-web/studies/1.2.3.4711", "/", "/metrics"):
                answer = stow(server.port, [CT.read_bytes()], token=token, path=path)
                assert (answer.status, answer.body) == (401, b"")
                assert "bearer" in answer.headers["www-authenticate"].lower()
        assert stow(server.port, [], token=None, Authorization=f"Basic {TOKEN}").status == 401
        assert stow(server.port, [CT.read_bytes()], token=OTHER_TOKEN).status == 403

    assert intake.arrivals == []
    log = capsys.readouterr().err
    assert '"reason": "credentials"' in log
    assert '"reason": "address"' in log
    assert not any(secret in log for secret in (TOKEN[:8], OTHER_TOKEN[:8], "4711", "studies"))


def test_a_token_that_is_renewed_counts_at_once(intake, tmp_path, viewer):
    """The old one ends with its file's content."""
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        assert stow(server.port, [CT.read_bytes()], token=TOKEN).status == 200
        token_file(tmp_path, "viewer", OTHER_TOKEN)
        assert stow(server.port, [CT.read_bytes()], token=TOKEN).status == 401
        assert stow(server.port, [CT.read_bytes()], token=OTHER_TOKEN).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "application/dicom"}, 415),
        ({"Content_Type": 'multipart/related; type="application/dicom+json"; boundary=x'}, 415),
        ({"Content_Type": 'multipart/related; type="application/dicom"'}, 400),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "application/dicom+xml, application/json;q=0.5"}, 200),
    ],
)
def test_what_cannot_be_served_is_said_before_anything_is_stored(intake, viewer, headers, status):
    """Media types, both ways."""
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        assert stow(server.port, [CT.read_bytes()], token=TOKEN, **headers).status == status

    assert len(intake.arrivals) == (status == 200)


def test_other_methods_and_paths(intake, viewer):
    """Nothing can be queried or retrieved."""
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server, connect(server.port) as connection:
        assert stow(server.port, [], token=TOKEN, path="/dicom-web/series").status == 404
        assert stow(server.port, [], token=TOKEN, path="/dicom-web/studies/no-uid").status == 400
        connection.sendall(head_of(0, token=TOKEN).replace(b"POST", b"GET", 1))
        answer = read_answer(connection)

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_a_body_in_chunks_without_a_length_is_taken(intake, viewer):
    """As clients that stream send it, here in chunks of 100 bytes."""
    body = body_of([CT.read_bytes()])
    pieces = [body[at : at + 100] for at in range(0, len(body), 100)]
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server, connect(server.port) as connection:
        connection.sendall(head_of(None, token=TOKEN))
        connection.sendall(b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n")
        assert read_answer(connection).status == 200

    assert data_set_sha256(intake.arrivals[0][0].read_bytes()) == data_set_sha256(CT.read_bytes())


def test_a_body_cut_off_within_a_part_leaves_nothing_of_it(intake, viewer, files, monkeypatch):
    """The caller goes away; what was complete before stays stored, the part is removed."""
    monkeypatch.setattr(service, "_PIECE_BYTES", 1)
    first, second = files(2)
    body = body_of([first, second])
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        with connect(server.port) as connection:
            connection.sendall(head_of(len(body), token=TOKEN) + body[: len(body) - len(second) // 2])
            wait_until(intake.parts, what="the first part is stored, of the second there is a file")
        _no_part_is_left(intake)
        assert stow(server.port, [first, second], token=TOKEN).status == 200


def test_a_body_that_ends_before_its_last_delimiter_is_no_success(intake, viewer, files):
    """The length is right, the last part is not complete: it fails, the one before stands."""
    first, second = files(2)
    body = body_of([first, second])[: -len(BOUNDARY) - 10]
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server, connect(server.port) as connection:
        connection.sendall(head_of(len(body), token=TOKEN) + body)
        answer = read_answer(connection)

    assert (answer.status, answer.reasons(FAILED), len(intake.arrivals)) == (202, [0xC000], 1)
    _no_part_is_left(intake)


def test_a_reached_reserve_is_503_with_retry_after_before_the_body_is_sent(intake, viewer):
    """The caller waits for the word to send its body, and is told to come back later."""

    def full():
        raise OutOfResources

    intake.before_open = full
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server, connect(server.port) as connection:
        connection.sendall(head_of(10**9, token=TOKEN, Expect="100-continue"))
        answer = read_answer(connection)

    assert (answer.status, answer.headers["retry-after"]) == (503, str(service.RETRY_AFTER_S))


def test_a_disk_that_fills_while_parts_come_is_503_when_nothing_was_stored(intake, viewer, files):
    """And 202 with A700 for the others when something was."""
    first, second = files(2)

    def full():
        raise OutOfResources

    intake.before_commit = full
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        answer = stow(server.port, [first, second], token=TOKEN)
        assert (answer.status, answer.reasons(FAILED)) == (503, [0xA700, 0xA700])
        assert "retry-after" in answer.headers

        intake.before_commit = lambda: full() if intake.arrivals else None
        answer = stow(server.port, [first, second], token=TOKEN)
        assert (answer.status, answer.reasons(FAILED)) == (202, [0xA700])
    _no_part_is_left(intake)


def test_a_body_beyond_the_limit_is_413_announced_or_not(intake, viewer):
    """Also when its length is not said beforehand."""
    content = CT.read_bytes()
    config = web_config(nodes={"viewer": viewer}, max_request=10_000)
    with serving_web(config, intake) as server:
        assert stow(server.port, [content], token=TOKEN).status == 413
        with connect(server.port) as connection:
            body = body_of([content])
            connection.sendall(head_of(None, token=TOKEN) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            assert read_answer(connection).status == 413

    assert intake.arrivals == []
    _no_part_is_left(intake)


GARBAGE = [
    b"\x16\x03\x01\x00\x05hello",
    b"\x01\x00\x00\x00\x00\xcd" + bytes(60),
    b"POST / HTTP/1.1\r\n" + b"X: " + b"a" * 100_000,
    b"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"GET /dicom-web/studies HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
]


def test_garbage_is_refused_and_others_are_served_meanwhile(intake, viewer):
    """TLS on a plain port, an association request, heads without end, contradicting lengths."""
    timeouts = Timeouts(association=timedelta(seconds=1), dimse=timedelta(seconds=2))
    with serving_web(web_config(nodes={"viewer": viewer}, timeouts=timeouts), intake) as server:
        for garbage in GARBAGE:
            with connect(server.port) as connection:
                connection.sendall(garbage)
                assert stow(server.port, [CT.read_bytes()], token=TOKEN).status == 200
                answered = connection.recv(100)
                assert answered[:12] in {b"", b"HTTP/1.1 400", b"HTTP/1.1 401"}, garbage

    assert len(intake.arrivals) == len(GARBAGE)


def test_bodies_that_cannot_be_followed_are_refused(intake, viewer):
    """No delimiter, a delimiter with more behind it, headers without end, a head of a file without end."""
    start = f"--{BOUNDARY}".encode()
    endless = bytes(128) + b"DICM" + b"\2\0\2\1OB\0\0" + (1 << 30).to_bytes(4, "little")
    bodies = [
        b"",
        b"nothing that is a part " * 10_000,
        start + b"and more\r\n\r\n",
        start + b"\r\n" + b"X: " + b"y" * 20_000,
        start + b"\r\nno colon\r\n\r\nDICM",
        body_of([endless]),
        body_of([b""]),
        body_of([CT.read_bytes()[:340]]),
    ]
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        for body in bodies:
            with connect(server.port) as connection:
                connection.sendall(head_of(len(body), token=TOKEN) + body)
                assert read_answer(connection).status == 409, body[:80]

    assert intake.arrivals == []
    _no_part_is_left(intake)


def test_slow_callers_are_ended_and_cost_nobody_else(intake, viewer, monkeypatch):
    """One says nothing, one stops within its head, one within its body, one drips below the least rate."""
    monkeypatch.setattr(service, "_GRACE_S", 0.3)
    monkeypatch.setattr(service, "_DROPPING_S", 0.3)
    timeouts = Timeouts(association=timedelta(seconds=1), dimse=timedelta(seconds=1))
    drip_ended = threading.Event()

    def drip(connection):
        connection.sendall(head_of(100_000, token=TOKEN))
        try:
            while not drip_ended.wait(0.05):
                connection.sendall(b"-")
        except OSError:
            drip_ended.set()

    with (
        serving_web(web_config(nodes={"viewer": viewer}, timeouts=timeouts), intake) as server,
        connect(server.port) as silent,
        connect(server.port) as within_head,
        connect(server.port) as within_body,
        connect(server.port) as dripping,
    ):
        within_head.sendall(b"POST /dicom-web/studies HTT")
        body = body_of([CT.read_bytes()])
        within_body.sendall(head_of(len(body), token=TOKEN) + body[:20_000])
        thread = threading.Thread(target=drip, args=(dripping,))
        thread.start()
        assert stow(server.port, [CT.read_bytes()], token=TOKEN).status == 200
        assert silent.recv(1) == b""
        assert within_head.recv(1) == b""
        assert read_answer(within_body).status == 408
        assert read_answer(dripping).status == 408
        drip_ended.set()
        thread.join()
        _no_part_is_left(intake)


def test_connections_beyond_the_limit_are_closed(intake, viewer, capsys):
    """At once, the log says so, and there is room again when one ends."""
    config = web_config(nodes={"viewer": viewer}, max_connections=2)
    with serving_web(config, intake) as server:
        with connect(server.port), connect(server.port), closing(connect(server.port)) as third:
            assert third.recv(1) == b""
            assert '"too_many_connections", "where": "dicomweb"' in capsys.readouterr().err
        wait_until(lambda: _is_served(server.port), what="there is room again")


def _is_served(port):
    try:
        return stow(port, [], token=TOKEN).status == 400
    except (OSError, ValueError):
        return False


def test_two_at_once_store_the_same_objects(intake, viewer, files):
    """Each gets its own answer."""
    contents, answers = files(20), []
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server:
        threads = [
            threading.Thread(target=lambda: answers.append(stow(server.port, contents, token=TOKEN))) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert [answer.status for answer in answers] == [200, 200]
    assert len(intake.arrivals) == 2 * len(contents)


@pytest.fixture
def authority(tmp_path):
    """An authority whose files lie in a folder of their own."""
    (tmp_path / "pki").mkdir()
    return Authority(tmp_path / "pki", "authority")


def _client(authority, pair):
    context = ssl.create_default_context(cafile=authority.certificate)
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.private_key)
    return context


def test_a_certificate_may_stand_for_the_token(intake, authority):
    """The node is known by the name in it; another's certificate, also of the same authority, is not let in."""
    ours = authority.vouch_for("gateway.example")
    tls = Tls(certificate=ours.certificate, private_key=ours.private_key, trusted_certificates=authority.certificate)
    viewer = Node(allow_store=True, ae_title="X", host=("127.0.0.1",), tls=NodeTls(client_name="viewer.example"))
    content = CT.read_bytes()
    with serving_web(web_config(nodes={"viewer": viewer}, tls=tls), intake) as server:
        known = _client(authority, authority.vouch_for("viewer.example"))
        other = _client(authority, authority.vouch_for("other.example"))
        assert stow(server.port, [content], token=None, context=known).status == 200
        assert stow(server.port, [content], token=None, context=other).status == 401
        with pytest.raises((ssl.SSLError, ConnectionError)):
            stow(server.port, [content], token=None, context=_client(authority, None))

    assert [arrival.node_name for _, arrival in intake.arrivals] == ["viewer"]


def test_a_renewed_certificate_is_shown_without_a_restart(intake, authority, viewer, monkeypatch):
    """To connections that come after its files have changed."""
    monkeypatch.setattr("gateway.tls._LOOK_EVERY_S", 0.0)
    ours = authority.vouch_for("gateway.example", file="gateway")
    tls = Tls(certificate=ours.certificate, private_key=ours.private_key, require_client_certificate=False)
    client = _client(authority, None)
    with serving_web(web_config(nodes={"viewer": viewer}, tls=tls), intake) as server:
        shown = []
        for _ in range(2):
            with connect(server.port, context=client) as connection:
                shown.append(hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest())
            authority.vouch_for("gateway.example", file="gateway")
        assert stow(server.port, [CT.read_bytes()], token=TOKEN, context=client).status == 200

    assert shown[0] != shown[1]


def test_memory_does_not_grow_with_a_part(intake, viewer):
    """A part of 96 MB, all of it one element, passes through in pieces and arrives whole."""
    zeros, pieces = bytes(1 << 20), 96
    whole = CT.read_bytes()
    head = whole[: whole.index(b"\xe0\x7f\x10\x00")] + b"\xe0\x7f\x10\x00OW\0\0" + (pieces << 20).to_bytes(4, "little")
    before, after = body_of([head]).split(head)
    size = len(before) + len(head) + (pieces << 20) + len(after)
    with serving_web(web_config(nodes={"viewer": viewer}), intake) as server, connect(server.port) as connection:
        tracemalloc.start()
        try:
            connection.sendall(head_of(size, token=TOKEN) + before + head)
            for _ in range(pieces):
                connection.sendall(zeros)
            connection.sendall(after)
            answer = read_answer(connection)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert answer.status == 200
    assert intake.arrivals[0][0].stat().st_size > pieces << 20
    assert peak < 16 << 20


def test_a_stop_lets_a_body_end_and_cuts_what_does_not(intake, viewer):
    """One request ends while the service drains and is answered; the other is cut, and its part is removed."""
    content = CT.read_bytes() * 40  # more than one piece; what follows the first object is its trailing bytes
    body = body_of([content])
    server = StoreServer(web_config(nodes={"viewer": viewer}), intake)
    server.start(drain=timedelta(seconds=1))
    with connect(server.port) as ending, connect(server.port) as staying:
        for connection in (ending, staying):
            connection.sendall(head_of(len(body), token=TOKEN) + body[:-100])
        wait_until(lambda: len(intake.parts()) == 2, what="both are being written")
        server.stop_accepting()
        ending.sendall(body[-100:])
        assert read_answer(ending).status == 200
        server.stop()
        assert not server.is_alive

    assert len(intake.arrivals) == 1
    _no_part_is_left(intake)
