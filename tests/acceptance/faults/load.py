"""A node under load: killed at random, or left to run for long while its target misbehaves.

Rule of the file: senders never give up; what is counted at the end is what they were answered.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.acceptance.faults.bench import Bench, Usage, bench
from tests.acceptance.faults.modality import Modality, Seen
from tests.acceptance.faults.table import Who
from tests.peers.interrupting import Mode
from tests.peers.programs import wait_until

if TYPE_CHECKING:
    from pathlib import Path

_SENDERS = 3
_LONGEST_PAUSE_S = 4.0
_SAMPLE_EVERY_S = 15.0
_WARM_UP = 0.25
_GROWTH_BYTES = 48 << 20
_GROWTH_DESCRIPTORS = 12
_GROWTH_THREADS = 8
_LONGEST_RESTART_S = 90
_ONLY_RECEIVING = 0.6
"""How often, of the kills of the parent, a receiving process is killed instead where there are several."""


class _Load:
    """Senders that send ever new reports, each until it is acknowledged; now and then one a second time."""

    def __init__(self, made: Bench, *, pause_s: float = 0.0) -> None:
        self._bench = made
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: set[str] = set()
        self.refused = 0
        self.repeated = 0
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(_SENDERS)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each sender finish what it is sending."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, number: int) -> None:
        dice = random.Random(number)
        modality = Modality(self._bench.node.port)
        while not self._stop.is_set():
            with self._lock:
                report = next(self._bench.made)
            tries = 1
            while modality.send(report) is not Seen.SUCCESS:
                tries += 1
                time.sleep(0.1)
            repeats = dice.random() < 0.05 and modality.send(report) is Seen.SUCCESS
            with self._lock:
                self.acknowledged.add(report.sha256)
                self.refused += tries - 1
                self.repeated += repeats
            self._stop.wait(self._pause_s)


def kill_at_random(folder: Path, *, times: int, processes: int) -> int:
    """Kill the parent, the worker, the forwarder or a receiver so many times under load; 0 when nothing was lost."""
    dice = random.Random(20261126)
    killed = dict.fromkeys(Who, 0)
    receiving = 0
    with bench(folder, processes=processes) as made:
        load = _Load(made)
        load.start()
        begun = time.monotonic()
        for number in range(times):
            time.sleep(dice.random() * _LONGEST_PAUSE_S)
            who = dice.choice((Who.MAIN, Who.MAIN, Who.WORKER, Who.FORWARDER))
            if who is Who.MAIN and processes > 1 and dice.random() < _ONLY_RECEIVING:
                with suppress(ProcessLookupError):  # as in `_kill`
                    os.kill(dice.choice(made.receiving()), signal.SIGKILL)
                receiving += 1
                continue
            _kill(made, who)
            killed[who] += 1
            print(f"{number + 1}/{times} {who}, {len(load.acknowledged)} acknowledged", flush=True)  # noqa: T201  a long command shows where it is
        load.stop()
        _settle(made)
        made.node.terminate()
        made.node.start()
        _settle(made)
        wrong = _judge(made, load)
        _tell(
            {
                "killed": {who.value: count for who, count in killed.items()} | {"one of several receivers": receiving},
                "seconds": round(time.monotonic() - begun),
                **_counted(made, load),
                "wrong": wrong,
            }
        )
        return 1 if wrong else 0


def _kill(made: Bench, who: Who) -> None:
    if who is Who.MAIN:
        made.node.kill()
        made.node.start()
        return
    try:
        os.kill(made.pid(who), signal.SIGKILL)
    except ProcessLookupError:
        return  # killed a moment ago, and its successor is not there yet


def soak(folder: Path, *, minutes: float, processes: int) -> int:
    """Let a node run for so long; return 0 when nothing was lost and nothing grew after the first quarter."""
    dice = random.Random(20261126)
    samples: list[Usage] = []
    children: list[int] = []
    with bench(folder, processes=processes) as made:
        load = _Load(made, pause_s=0.02)
        load.start()
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < minutes * 60:
            made.line.set(
                dice.choice((Mode.PASS, Mode.PASS, Mode.CUT_ANYWHERE, Mode.HOLD, Mode.CLOSE)), after_bytes=9000
            )
            made.answers[:] = [0xA700] * dice.randrange(3)
            time.sleep(min(_SAMPLE_EVERY_S, max(minutes * 60 - passed, 0.1)))
            made.line.set(Mode.PASS)
            samples.append(made.usage())
            children.append(sum(_memory(pid) for pid in made.node.children()))
            print(f"{passed:6.0f} s {len(load.acknowledged)} acknowledged, {asdict(samples[-1])}", flush=True)  # noqa: T201  as above
            time.sleep(1)
        load.stop()
        _settle(made)
        wrong = [*_judge(made, load), *_grown(samples, children)]
        _tell(
            {
                "minutes": minutes,
                **_counted(made, load),
                "warm": asdict(samples[int(len(samples) * _WARM_UP)]),
                "end": asdict(samples[-1]),
                "children_bytes": [children[int(len(children) * _WARM_UP)], children[-1]],
                "wrong": wrong,
            }
        )
        return 1 if wrong else 0


def _memory(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123  /proc, not a path of ours
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))
    except (OSError, StopIteration):
        return 0


def _grown(samples: list[Usage], children: list[int]) -> list[str]:
    """Compare the last quarter with the one after the warm-up; the least of each, for load comes and goes."""
    quarter = max(len(samples) // 4, 1)
    first, last = samples[quarter : 2 * quarter] or samples, samples[-quarter:]
    wrong = []
    for name, allowed in (
        ("descriptors", _GROWTH_DESCRIPTORS),
        ("threads", _GROWTH_THREADS),
        ("memory_bytes", _GROWTH_BYTES),
    ):
        before, after = (min(getattr(one, name) for one in some) for some in (first, last))
        if after > before + allowed:
            wrong.append(f"{name} grew from {before} to {after}")
    before, after = min(children[quarter : 2 * quarter] or children), min(children[-quarter:])
    if after > before + _GROWTH_BYTES:
        wrong.append(f"memory of the children grew from {before} to {after}")
    return wrong


def _settle(made: Bench) -> None:
    wait_until(lambda: made.node.get("/readyz")[0] == 200, what="the node is ready", seconds=_LONGEST_RESTART_S)
    made.node.settled(acknowledged=0, seconds=1800)


def _judge(made: Bench, load: _Load) -> list[str]:
    """Return what is wrong: something lost, doubled, left behind or not accounted for."""
    wrong = made.complaints()
    known, arrived = made.received_hashes(), made.research.hashes()
    wrong += [f"acknowledged and lost: {one}" for one in sorted(load.acknowledged - known)]
    if len(arrived) != len(known):
        wrong.append(f"{len(known)} objects were taken and {len(arrived)} arrived")
    strays = made.strays()
    wrong += [f"left behind: {name}" for name in (*strays.parts, *strays.unfinished, *strays.originals)]
    return wrong


def _counted(made: Bench, load: _Load) -> dict[str, int]:
    return {
        "acknowledged": len(load.acknowledged),
        "refused": load.refused,
        "sent_twice_after_success": load.repeated,
        "arrived": len(made.research.hashes()),
        "stores_at_target": len(made.research.stored),
    }


def _tell(result: dict[str, object]) -> None:
    print(json.dumps(result, indent=2))  # noqa: T201  the result of the command
