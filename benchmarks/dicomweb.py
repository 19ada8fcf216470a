"""Measures STOW-RS beside C-STORE, in and out, alternated in one run, reported as ratios; and memory.

    python -m benchmarks.dicomweb [--rounds 3] [--objects 200] [--connections 1 4] [--memory-bytes 2000000000]

In: this node's receivers, both over one spool and ledger in a process of their own, synced as always; the senders are
this node's own, `WebSender` with one object in a request and `Sender`. Out: the same senders into one Orthanc, whose
DICOMweb plugin and DICOM port store into the same database. A ratio is the median over the rounds of (STOW-RS / C-STORE
in the same round); both directions use the same objects, CT slices of half a megabyte.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from config.gateway import Dicomweb, GatewayConfig, Node
from gateway.arrivals import LedgerIntake
from gateway.database import Database
from gateway.dicomweb.sender import WebSender
from gateway.forward import OutcomeKind, Outgoing, Sender
from gateway.ledger import Ledger
from gateway.part10 import head
from gateway.sealing import Sealer
from gateway.spool import Spool
from tests.peers.orthanc import dicomweb_plugin, orthanc
from tests.peers.programs import free_port, running, wait_for_port
from tests.peers.raw import EXPLICIT_LITTLE, small_object
from tests.peers.receiving import clinical_node, loopback_listener, receiving, serving_web, token_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_CT = "1.2.840.10008.5.1.4.1.1.2"
_TOKEN = "0123456789abcdef" * 4
_NUMBERS = count(1)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--memory-bytes", type=int, default=2_000_000_000)
    parser.add_argument("--serve", nargs=3, metavar=("FOLDER", "PORT", "WEB_PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        _serve(Path(options.serve[0]), int(options.serve[1]), int(options.serve[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        _measure(Path(name), options)


def _serve(folder: Path, port: int, web_port: int) -> None:
    """Be both receivers until SIGTERM."""
    end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    spool = Spool(folder / "spool")
    spool.prepare()
    database = Database.create_or_migrate(spool.ledger_path)
    intake = LedgerIntake(spool, Ledger(database, replace_duplicates=False), Sealer(bytes(range(32))), reserve_bytes=0)
    listener = loopback_listener(port=port)
    nodes = {
        "clinical": clinical_node(),
        "viewer": Node(allow_store=True, caller_token_file=token_file(folder, "viewer", _TOKEN)),
    }
    web = Dicomweb(port=web_port)
    config = GatewayConfig.model_construct(listener=listener, nodes=nodes, dicomweb=web)
    with receiving(intake, listener=listener, nodes=nodes), serving_web(config, intake):  # type: ignore[arg-type]
        end.wait()
    database.close()


def _measure(folder: Path, options: argparse.Namespace) -> None:
    port, web_port = free_port(), free_port()
    command = [sys.executable, "-m", "benchmarks.dicomweb", "--serve", str(folder), str(port), str(web_port)]
    log = folder / "serve.log"
    with ExitStack() as stack:
        process = stack.enter_context(running(command, log=log))
        wait_for_port(process, web_port, what="receivers", log=log)
        pacs = stack.enter_context(orthanc(folder / "pacs", ae_title="RESEARCH", settings=dicomweb_plugin()))
        token = token_file(folder, "shown", _TOKEN)
        ways = {
            "in": (
                Node(url=f"http://127.0.0.1:{web_port}/dicom-web", token_file=token, timeout=timedelta(minutes=5)),
                Node(ae_title="SONOVEIL", host=("127.0.0.1",), port=port),
            ),
            "out, to Orthanc": (
                Node(url=f"http://127.0.0.1:{pacs.http_port}/dicom-web"),
                Node(ae_title="RESEARCH", host=("127.0.0.1",), port=pacs.port),
            ),
        }
        for way, nodes in ways.items():
            senders = (
                partial(WebSender, "x", nodes[0]),
                partial(Sender, "x", nodes[1], calling_ae_title="CLINICAL"),
            )
            for connections in options.connections:
                ratios = []
                for _ in range(options.rounds):
                    figures = [
                        _rate(folder, sender, objects=options.objects, connections=connections) for sender in senders
                    ]
                    ratios.append(figures[0] / figures[1])
                print(
                    f"{way}, {connections} at once: STOW-RS {figures[0]:.0f}, C-STORE {figures[1]:.0f} objects/s in "
                    f"the last round; ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                )
        if options.memory_bytes:
            _memory(folder, ways["in"][0], process.pid, options.memory_bytes)


def _objects(folder: Path, how_many: int) -> list[Outgoing]:
    made = []
    for number in (next(_NUMBERS) for _ in range(how_many)):
        uid = f"1.2.3.{number}"
        path = folder / f"{number}.dcm"
        begin = head(sop_class_uid=_CT, sop_instance_uid=uid, transfer_syntax_uid=EXPLICIT_LITTLE)
        path.write_bytes(begin + small_object(_CT, uid, pixel_bytes=512 * 512 * 2))
        made.append(
            Outgoing(path=path, sop_class_uid=_CT, sop_instance_uid=uid, transfer_syntax_uid=EXPLICIT_LITTLE, token=uid)
        )
    return made


def _rate(folder: Path, sender: Callable[[], WebSender | Sender], *, objects: int, connections: int) -> float:
    """Return objects per second; new objects each time."""
    made = _objects(folder, objects)

    def send(share: Sequence[Outgoing]) -> None:
        with sender() as sending:
            assert all(outcome.kind is OutcomeKind.SENT for outcome in sending.send(share))

    begun = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(send, [made[at::connections] for at in range(connections)]))
    took = time.perf_counter() - begun
    for outgoing in made:
        outgoing.path.unlink()
    return objects / took


def _memory(folder: Path, node: Node, pid: int, size_bytes: int) -> None:
    (outgoing,) = _objects(folder, 1)
    with outgoing.path.open("r+b") as file:
        file.truncate(size_bytes)
    before, done = {"receiver": _anonymous_mb(pid), "sender": _anonymous_mb("self")}, threading.Event()
    peak = dict(before)

    def watch() -> None:
        while not done.wait(0.01):
            peak["receiver"] = max(peak["receiver"], _anonymous_mb(pid))
            peak["sender"] = max(peak["sender"], _anonymous_mb("self"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.perf_counter()
    with WebSender("x", node) as sender:
        (outcome,) = sender.send([outgoing])
    took = time.perf_counter() - begun
    done.set()
    watcher.join()
    told = "; ".join(f"{who} {before[who]:.0f} MB before, {peak[who]:.0f} MB at most" for who in before)
    rate = size_bytes / 1e6 / took
    print(f"object of {size_bytes / 1e6:.0f} MB, {outcome.kind}: {rate:.0f} MB/s; anonymous memory: {told}")


def _anonymous_mb(pid: int | str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1000
    raise LookupError("no RssAnon: Linux only")


if __name__ == "__main__":
    main()
