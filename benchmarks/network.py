"""Measures receiving and sending against DCMTK and Orthanc: alternated in one run, reported as ratios.

    python -m benchmarks.network [--rounds 3] [--associations 1 2 4 8] [--big] [--huge] [--memory-bytes 2000000000]
                                 [--only receive nagle tls send processes memory idle]

`promise` is this node's receiver with spool and ledger in a process of its own, synced as always (data, name, folder,
rows); `bare` is the same receiver without ledger and sync, which exists only here, as a diagnosis. The peers are
`storescp +B --fork` (which never syncs) and Orthanc, both with Nagle's algorithm off and PDUs of 131072 bytes, which
is to their favour. One sender feeds all of them: ready-made PDUs, one thread per association. `nagle` and `tls` have
`storescu` as the sender instead, its start included; `--big` adds a clip of 86 MB and `--huge` one of 325 MB.

A ratio is the median over the rounds of (ours / the peer's in the same round); the least and the most stand beside it,
because what shares a machine moves single figures by tens of per cent.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from pydicom.encaps import encapsulate

from config.gateway import Node, Tls
from config.load import load_gateway, read_key
from gateway.arrivals import LedgerIntake
from gateway.children import Children
from gateway.database import Database
from gateway.forward import OutcomeKind, Outgoing, Sender
from gateway.ledger import Ledger
from gateway.part10 import data_set_offset
from gateway.receivers import Receivers
from gateway.sealing import Sealer
from gateway.spool import Spool, new_token, sync_file
from tests.acceptance.node import configuration, running_node
from tests.factories.planted import SOP_CLASSES, planted_object
from tests.peers.certificates import Authority
from tests.peers.dcmtk import storescp
from tests.peers.orthanc import orthanc
from tests.peers.programs import find, free_port, running, wait_for_port
from tests.peers.raw import EXPLICIT_LITTLE, p_data, raw_requestor, small_object, store_rq
from tests.peers.receiving import FolderIntake, clinical_node, loopback_listener, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.peers.raw import RawRequestor

_AE, _CALLING = "SONOVEIL", "CLINICAL"
_JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
_FRAGMENT_BYTES = 131_064
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_IDLE_S = 10.0
_SETTLE_S = 3.0
_HOLD_ALL = [{"name": "default", "fallback": True, "action": "hold"}]
_REPEATED = 8
"""How often a file is sent in a round, so that `storescu`'s start, which is taken off, is a small part."""
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One kind of object: a template file whose instance UID is replaced for every object that is sent.

    Parameters
    ----------
    each
        How many objects one association sends in a round.
    option
        What makes `storescu` propose the syntax.
    """

    name: str
    part10: bytes
    uid: str
    sop_class: str
    syntax: str
    each: int
    option: str = "-xe"

    def objects(self, how_many: int) -> list[tuple[str, bytes]]:
        """Return UIDs and Part 10 files that no peer has seen yet."""
        made = []
        for _ in range(how_many):
            uid = f"1.2.826.0.1.{next(_numbers):0{len(self.uid) - 12}d}"
            uid = uid.replace(".1.0", ".1.1", 1)  # a component does not begin with 0
            made.append((uid, self.part10.replace(self.uid.encode(), uid.encode())))
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Something that receives."""

    name: str
    port: int
    pid: int
    folder: Path


def main() -> None:
    """Measure what the options ask for, or be one of the receivers."""
    if sys.argv[1:2] == ["--serve"]:
        _serve(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
        return
    options = _options()
    with tempfile.TemporaryDirectory(prefix="sonoveil-network-", dir=options.folder) as name, ExitStack() as stack:
        folder = Path(name)
        os.environ["TCP_NODELAY"] = "1"  # DCMTK's senders and receivers, Orthanc's too; `nagle` takes it away
        print(f"fdatasync here: {_sync_ms(folder):.2f} ms; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
        loads = _loads(big=options.big, huge=options.huge)
        if {"receive", "nagle", "send"} & set(options.only):
            peers = [stack.enter_context(peer) for peer in _peers(folder)]
        if "receive" in options.only:
            _measure_receiving(peers, loads, options.associations, options.rounds)
        if "nagle" in options.only:
            _measure_storescu("Nagle", peers, loads, folder, options.rounds)
        if "tls" in options.only:
            _measure_tls(loads, folder, options.rounds)
        if "send" in options.only:
            _measure_sending(loads, options.associations, folder, options.rounds)
        if "processes" in options.only:
            _measure_processes(folder, loads, options.associations, options.rounds)
        if "memory" in options.only:
            _measure_memory(folder, options.memory_bytes)
        if "idle" in options.only:
            _measure_idle(folder, 200)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    everything = ["receive", "nagle", "tls", "send", "processes", "memory", "idle"]
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--associations", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--only", nargs="+", choices=everything, default=everything)
    parser.add_argument("--big", action="store_true", help="an 86 MB clip too")
    parser.add_argument("--huge", action="store_true", help="a 325 MB clip too")
    parser.add_argument("--memory-bytes", type=int, default=200_000_000, help="of the object whose memory is measured")
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured; default: the temporary folder")
    return parser.parse_args()


# Objects


def _loads(*, big: bool, huge: bool) -> list[Load]:
    loads = [_planted("small 64²", "CT", 64, each=60), _planted("CT 512²", "CT", 512, each=24), _jpeg_clip()]
    if big:
        loads.append(_planted("clip 86 MB", "US", 600, columns=800, frames=60, each=1))
    if huge:
        loads.append(_planted("clip 325 MB", "US", 768, columns=1024, frames=138, each=1))
    return loads


def _planted(name: str, kind: str, rows: int, *, each: int, columns: int | None = None, frames: int = 1) -> Load:
    made = planted_object(kind, seed=1, rows=rows, columns=columns or rows, frames=frames)
    return _load(name, made.dataset, kind, each)


def _jpeg_clip() -> Load:
    dataset = planted_object("US", seed=2, rows=480, columns=640, frames=30).dataset
    noise = np.random.default_rng(1).integers(0, 60, (480, 640, 3), dtype=np.uint8)
    frames = [bytes(cv2.imencode(".jpg", noise + np.uint8(number))[1]) for number in range(30)]
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].VR = "OB"
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    dataset.file_meta.TransferSyntaxUID = _JPEG_BASELINE
    return _load("JPEG clip", dataset, "US", 12)


def _load(name: str, dataset: object, kind: str, each: int) -> Load:
    with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
        uid = "1.2.826.0.1." + "9" * 20
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid  # type: ignore[attr-defined]
        dataset.save_as(file.name, enforce_file_format=True)  # type: ignore[attr-defined]
        syntax = str(dataset.file_meta.TransferSyntaxUID)  # type: ignore[attr-defined]
        part10 = Path(file.name).read_bytes()
    option = "-xy" if syntax == _JPEG_BASELINE else "-xe"
    print(f"{name}: {len(part10) / 1e6:.2f} MB, {each} per association")
    return Load(name=name, part10=part10, uid=uid, sop_class=SOP_CLASSES[kind], syntax=syntax, each=each, option=option)


def _sync_ms(folder: Path) -> float:
    took = []
    for number in range(20):
        path = folder / f"sync-{number}"
        path.write_bytes(bytes(4096))
        begun = time.perf_counter()
        sync_file(path)
        took.append(time.perf_counter() - begun)
        path.unlink()
    return 1000 * statistics.median(took)


# Who receives


def _serve(kind: str, folder: Path, port: int, tls: Sequence[str]) -> None:
    """Be this node's receiver until SIGTERM."""
    end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    listener = loopback_listener(port=port, max_associations=300, check_called_aet=False)
    if tls:
        certificate, key, trusted = map(Path, tls)
        settings = Tls(certificate=certificate, private_key=key, trusted_certificates=trusted)
        listener = listener.model_copy(update={"tls": settings})
    with ExitStack() as stack:
        if kind.startswith("promise-"):
            _serve_by_several(folder, port, int(kind.rpartition("-")[2]), end)
            return
        if kind == "promise":
            spool = Spool(folder)
            spool.prepare()
            database = Database.create_or_migrate(spool.ledger_path)
            stack.callback(database.close)
            ledger = Ledger(database, replace_duplicates=False)
            intake = LedgerIntake(spool, ledger, Sealer(bytes(range(32))), reserve_bytes=0)
        else:
            intake = FolderIntake(folder=folder)  # type: ignore[assignment]  the same contract
        gc.collect()
        gc.freeze()  # as the node does
        stack.enter_context(receiving(intake, listener=listener, nodes={"clinical": clinical_node()}))  # type: ignore[arg-type]
        end.wait()


def _serve_by_several(folder: Path, port: int, processes: int, end: threading.Event) -> None:
    """Be several receiving processes, as a node has them, without its workers."""
    written = configuration(folder, research_port=free_port(), rules=_HOLD_ALL)
    written["listener"] |= {"port": port, "processes": processes, "max_associations": 300, "check_called_aet": False}
    file = folder / "gateway.yaml"
    file.write_text(json.dumps(written))  # which is YAML too
    config = load_gateway(file)
    spool = Spool(config.storage.path)
    spool.prepare()
    database = Database.create_or_migrate(spool.ledger_path)
    receivers = Receivers(config.listener, folder)
    receivers.start()
    wanted = receivers.wanted(config, read_key(config.secrets.key_file))
    children = Children(database, Ledger(database, replace_duplicates=False), wanted)
    children.start_due()
    end.wait()
    children.stop()
    database.close()


@contextmanager
def _ours(folder: Path, kind: str, tls: Sequence[str] = ()) -> Iterator[Peer]:
    here = folder / f"{kind}{'-tls' * bool(tls)}"
    here.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.network", "--serve", kind, str(here), str(port), *tls]
    log = folder / f"{here.name}.log"
    with running(command, log=log) as process:
        wait_for_port(process, port, what=kind, log=log)
        yield Peer(name=kind, port=port, pid=process.pid, folder=here)


@contextmanager
def _dcmtk(folder: Path, name: str, *options: str) -> Iterator[Peer]:
    (folder / name).mkdir()
    common = ("+B", "+xa", "-pm", "--fork", "-pdu", "131072")
    with storescp(folder / name, ae_title=_AE, options=(*common, *options)) as server:
        yield Peer(name="storescp", port=server.port, pid=server.process.pid, folder=server.folder)


@contextmanager
def _orthanc(folder: Path) -> Iterator[Peer]:
    settings = {"DicomThreadsCount": 8, "MaximumPduLength": 131_072, "DicomCheckCalledAet": False}
    with orthanc(folder / "orthanc", ae_title=_AE, settings=settings) as server:
        yield Peer(name="Orthanc", port=server.port, pid=server.process.pid, folder=folder / "orthanc")


def _peers(folder: Path) -> list[object]:
    return [_ours(folder, "promise"), _ours(folder, "bare"), _dcmtk(folder, "storescp"), _orthanc(folder)]


def _measure_processes(folder: Path, loads: Sequence[Load], associations: Sequence[int], rounds: int) -> None:
    print("\nreceiving by one process and by two, objects/s")
    with _ours(folder, "promise") as one, _ours(folder, "promise-1") as apart, _ours(folder, "promise-2") as two:
        time.sleep(_SETTLE_S)
        for load in loads:
            for number in associations:
                rates: dict[str, list[float]] = {peer.name: [] for peer in (one, apart, two)}
                for round_ in range(rounds):
                    objects = load.objects(load.each * number)
                    messages = [_pdus(load, part10, uid, 1 + i % load.each) for i, (uid, part10) in enumerate(objects)]
                    prepared = [messages[i::number] for i in range(number)]
                    for peer in _turned((one, apart, two), round_):
                        rates[peer.name].append(_rate(peer, load, prepared))
                pairs = (("promise-2", "promise"), ("promise-2", "promise-1"))
                print(_row(f"{load.name} x{number}", rates, pairs))


# Receiving


def _pdus(load: Load, part10: bytes, uid: str, message_id: int) -> bytes:
    with tempfile.SpooledTemporaryFile(max_size=1 << 30) as file:
        file.write(part10)
        data = memoryview(part10)[data_set_offset(file) :]  # type: ignore[arg-type]  a file to read all the same
    whole = bytearray(p_data(1, 3, store_rq(load.sop_class, uid, message_id=message_id)))
    for start in range(0, len(data), _FRAGMENT_BYTES):
        piece = data[start : start + _FRAGMENT_BYTES]
        whole += p_data(1, 2 if start + len(piece) == len(data) else 0, bytes(piece))
    return bytes(whole)


def _rate(peer: Peer, load: Load, prepared: Sequence[Sequence[bytes]]) -> float:
    """Return objects per second, associations open before the clock runs."""
    with ExitStack() as stack, ThreadPoolExecutor(len(prepared)) as pool:
        requestors = []
        for _ in prepared:
            requestor = stack.enter_context(raw_requestor(peer.port))
            answer = requestor.associate([(load.sop_class, [load.syntax])], calling=_CALLING, called=_AE)
            assert answer.accepted[1][0] == 0, f"{peer.name} does not take {load.name}"
            requestors.append(requestor)
        begun = time.perf_counter()
        list(pool.map(_send_all, requestors, prepared))
        took = time.perf_counter() - begun
        for requestor in requestors:
            requestor.release()
    return sum(map(len, prepared)) / took


def _send_all(requestor: RawRequestor, messages: Sequence[bytes]) -> None:
    for message in messages:
        requestor.socket.sendall(message)
        assert requestor.status() == 0x0000


def _measure_receiving(peers: Sequence[Peer], loads: Sequence[Load], associations: Sequence[int], rounds: int) -> None:
    print("\nreceiving, objects/s (median); ratios median [least, most]")
    for load in loads:
        for number in associations:
            rates: dict[str, list[float]] = {peer.name: [] for peer in peers}
            for round_ in range(rounds):
                objects = load.objects(load.each * number)
                messages = [_pdus(load, part10, uid, 1 + i % load.each) for i, (uid, part10) in enumerate(objects)]
                prepared = [messages[i::number] for i in range(number)]
                for peer in _turned(peers, round_):
                    rates[peer.name].append(_rate(peer, load, prepared))
                _forget(peers)
            print(
                _row(
                    f"{load.name} x{number}",
                    rates,
                    (("promise", "storescp"), ("promise", "Orthanc"), ("bare", "storescp")),
                )
            )


def _turned(peers: Sequence[Peer], by: int) -> list[Peer]:
    by %= len(peers)
    return [*peers[by:], *peers[:by]]


def _forget(peers: Sequence[Peer]) -> None:
    """Remove received files of those that keep no book on them, so that the disk does not fill."""
    for peer in peers:
        if peer.name in {"bare", "storescp"}:
            for path in peer.folder.iterdir():
                path.unlink()


def _row(name: str, rates: dict[str, list[float]], pairs: Sequence[tuple[str, str]]) -> str:
    figures = "  ".join(f"{who} {statistics.median(rate):.1f}" for who, rate in rates.items())
    ratios = []
    for ours, theirs in pairs:
        each = [a / b for a, b in zip(rates[ours], rates[theirs], strict=True)]
        ratios.append(f"{ours}/{theirs} {statistics.median(each):.2f} [{min(each):.2f}, {max(each):.2f}]")
    return f"{name:16} {figures}  |  {'  '.join(ratios)}"


def _measure_storescu(what: str, peers: Sequence[Peer], loads: Sequence[Load], folder: Path, rounds: int) -> None:
    print(f"\nreceiving from storescu with {what}, one association, objects/s, its start included")
    for load in loads[:2]:
        rates: dict[str, list[float]] = {peer.name: [] for peer in peers}
        for round_ in range(rounds):
            with _written(load, load.each, folder) as files:
                for peer in _turned(peers, round_):
                    rates[peer.name].append(len(files) / _storescu(peer.port, load, [files], nagle=True))
            _forget(peers)
        print(_row(load.name, rates, (("promise", "storescp"), ("promise", "Orthanc"))))


@contextmanager
def _written(load: Load, how_many: int, folder: Path) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        files = []
        for uid, part10 in load.objects(how_many):
            files.append(Path(name) / f"{uid}.dcm")
            files[-1].write_bytes(part10)
        yield files


def _storescu(
    port: int, load: Load, shares: Sequence[Sequence[Path]], *, nagle: bool = False, options: Sequence[str] = ()
) -> float:
    """Return how long one `storescu` per share takes."""
    environment = {**os.environ, "TCP_NODELAY": "0" if nagle else "1"}
    common = [find("storescu"), load.option, *options, "-aet", _CALLING, "-aec", _AE, "127.0.0.1", str(port)]
    begun = time.perf_counter()
    started = [subprocess.Popen([*common, *map(str, share)], env=environment) for share in shares]
    codes = [process.wait() for process in started]  # all of them, before any is judged
    assert not any(codes)
    return time.perf_counter() - begun


def _measure_tls(loads: Sequence[Load], folder: Path, rounds: int) -> None:
    print("\nreceiving by TLS from storescu, one association, objects/s, its start included")
    (folder / "pki").mkdir()
    authority = Authority(folder / "pki", "authority")
    pair = authority.vouch_for("gateway.example")
    files = [str(pair.certificate), str(pair.private_key), str(authority.certificate)]
    presented = ("+tls", files[1], files[0], "+cf", files[2])
    with _ours(folder, "promise", files) as ours, _dcmtk(folder, "storescp-tls", *presented) as theirs:
        for load in loads[:2]:
            rates: dict[str, list[float]] = {"promise": [], "storescp": []}
            for round_ in range(rounds):
                with _written(load, load.each, folder) as written:
                    for peer in _turned((ours, theirs), round_):
                        took = _storescu(peer.port, load, [written], options=presented)
                        rates[peer.name].append(len(written) / took)
            print(_row(load.name, rates, (("promise", "storescp"),)))


# Sending


def _measure_sending(loads: Sequence[Load], associations: Sequence[int], folder: Path, rounds: int) -> None:
    print(
        f"\nsending to storescp --ignore, objects/s, each file {_REPEATED} times; storescu without its start (that of"
        " one object is taken off)"
    )
    with _dcmtk(folder, "target", "--ignore") as target:
        for load in loads:
            for number in associations:
                rates: dict[str, list[float]] = {"sender": [], "storescu": []}
                for round_ in range(rounds):
                    with _written(load, load.each * number, folder) as files:
                        shares = [files[i::number] for i in range(number)]
                        ways = [("sender", _rate_of_sender), ("storescu", _rate_of_storescu)]
                        for name, rate in ways[:: -1 if round_ % 2 else 1]:
                            rates[name].append(rate(target, load, shares))
                print(_row(f"{load.name} x{number}", rates, (("sender", "storescu"),)))


def _rate_of_storescu(target: Peer, load: Load, shares: Sequence[Sequence[Path]]) -> float:
    start = _storescu(target.port, load, [share[:1] for share in shares])
    took = _storescu(target.port, load, shares, options=["--repeat", str(_REPEATED)]) - start
    return (_REPEATED * sum(map(len, shares)) - len(shares)) / took


def _rate_of_sender(target: Peer, load: Load, shares: Sequence[Sequence[Path]]) -> float:
    shares = [[*share] * _REPEATED for share in shares]
    return sum(map(len, shares)) / _send(target, load, shares)


def _send(target: Peer, load: Load, shares: Sequence[Sequence[Path]]) -> float:
    """Return how long as many senders as shares take, their associations included."""
    node = Node(ae_title=_AE, host=("127.0.0.1",), port=target.port, timeout=timedelta(seconds=60))

    def send(files: Sequence[Path]) -> None:
        with Sender("target", node, calling_ae_title=_CALLING) as sender:
            outcomes = sender.send([_outgoing(load, path) for path in files])
            assert all(outcome.kind is OutcomeKind.SENT for outcome in outcomes)

    with ThreadPoolExecutor(len(shares)) as pool:
        begun = time.perf_counter()
        list(pool.map(send, shares))
        return time.perf_counter() - begun


def _outgoing(load: Load, path: Path) -> Outgoing:
    return Outgoing(
        path=path,
        sop_class_uid=load.sop_class,
        sop_instance_uid=path.stem,
        transfer_syntax_uid=load.syntax,
        token=new_token(),
    )


# Memory and idleness


def _measure_memory(folder: Path, size_bytes: int) -> None:
    """Send one large object to a whole node, whose rule holds it, and look at the process that receives."""
    changes = {"rules": _HOLD_ALL, "processing": {"workers": 1}}
    for start in ("first start", "next start"):
        with running_node(folder / "node", research_port=free_port(), **changes) as node:
            assert node.process is not None
            pid = node.process.pid
            before, peak, took = _watched(pid, node.port, size_bytes)
            print(
                f"\n{start}, object of {size_bytes / 1e6:.0f} MB: {size_bytes / 1e6 / took:.0f} MB/s, anonymous memory"
                f" of the process that receives {before:.0f} MB before, {peak:.0f} MB at most"
            )


def _watched(pid: int, port: int, size_bytes: int) -> tuple[float, float, float]:
    """Return anonymous memory before and at most, and how long an object of that size took."""
    before, peak, done = _anonymous_mb(pid), 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, _anonymous_mb(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    uid = f"1.2.3.{next(_numbers)}"
    sop_class = SOP_CLASSES["US"]
    with raw_requestor(port) as requestor:
        requestor.socket.settimeout(600)
        requestor.associate([(sop_class, [EXPLICIT_LITTLE])], calling=_CALLING, called=_AE)
        begun = time.perf_counter()
        requestor.socket.sendall(p_data(1, 3, store_rq(sop_class, uid)))
        requestor.socket.sendall(p_data(1, 0, small_object(sop_class, uid)))
        piece = p_data(1, 0, bytes(_FRAGMENT_BYTES))
        for _ in range(size_bytes // _FRAGMENT_BYTES):
            requestor.socket.sendall(piece)
        requestor.socket.sendall(p_data(1, 2, bytes(2)))
        assert requestor.status() == 0x0000
        took = time.perf_counter() - begun
    done.set()
    watcher.join()
    return before, peak, took


def _anonymous_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1000
    raise LookupError("no RssAnon: Linux only")


def _measure_idle(folder: Path, how_many: int) -> None:
    (folder / "idle").mkdir()
    with _ours(folder / "idle", "promise") as peer, ExitStack() as stack:
        for _ in range(how_many):
            requestor = stack.enter_context(raw_requestor(peer.port))
            requestor.associate([(SOP_CLASSES["CT"], [EXPLICIT_LITTLE])], calling=_CALLING, called=_AE)
        time.sleep(1.0)
        before = _cpu_s(peer.pid)
        time.sleep(_IDLE_S)
        used = _cpu_s(peer.pid) - before
        print(
            f"\n{how_many} idle associations: {100 * used / _IDLE_S:.1f} % of a core, {_anonymous_mb(peer.pid):.0f} MB"
        )


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


if __name__ == "__main__":
    main()
