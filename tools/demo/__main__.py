"""`python -m tools.demo`: play both PACS, run the gateway between them, search for what was planted.

Exit codes: 0 nothing was found and everything is where it belongs; 1 otherwise; 2 the output folder is not ours.
With `DEMO_ONCE=1` it ends by itself, else it stays up until Ctrl-C.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import signal
import sys
import time
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from tools.demo import show
from tools.demo.account import Verdict, judge, pair_up
from tools.demo.node import GatewayError, RunningGateway, prepare
from tools.demo.peers import ClinicalPacs, NotSentError, ResearchPacs
from tools.demo.pictures import write_all
from tools.demo.worklist import OBJECTS, worklist

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.demo.account import Pair
    from tools.demo.worklist import Sent

DONE, FOUND, USAGE = 0, 1, 2
_MARK = ".made-by-sonoveil-demo"
_LOOK_EVERY_S = 0.5
_STANDSTILL_S = 240.0
_FOREVER_TICK_S = 1.0


class InterruptedByUser(BaseException):
    """SIGINT or SIGTERM came."""


def main() -> int:
    """Run the demonstration and return the exit code."""
    options = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    output: Path = options.output.resolve()
    if not _fresh(output):
        print(f"{output} was not made by the demonstration; remove it or choose another --output", file=sys.stderr)
        return USAGE
    try:
        return _run(output, once=os.environ.get("DEMO_ONCE") == "1")
    except InterruptedByUser:
        show.say("stopped")
        return DONE
    except (GatewayError, NotSentError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return FOUND


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo-out"), help="folder, made anew (default: demo-out)")
    return parser.parse_args()


def _interrupt(*_: object) -> None:
    """Leave by the way that drains the gateway; a second Ctrl-C must not cut that short."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise InterruptedByUser


def _fresh(output: Path) -> bool:
    """Make the folder anew; leave alone one that holds anything and was not made here."""
    if output.exists() and any(output.iterdir()):
        if not (output / _MARK).exists():
            return False
        shutil.rmtree(output)
    for folder in (output, output / "gateway", output / "sent", output / "received", output / "pictures"):
        folder.mkdir(parents=True, exist_ok=True)
    (output / _MARK).touch()
    return True


def _run(output: Path, *, once: bool) -> int:
    started = time.monotonic()
    research = ResearchPacs(output / "received")
    try:
        place = prepare(output / "gateway", research_port=research.port)
        show.say("starting the gateway")
        with RunningGateway(place) as gateway:
            sent = _play(gateway, research, output / "sent")
            pairs = pair_up(sent, research.stored(), place.key.read_bytes())
            show.say("searching what the research PACS received")
            verdict = _judge(pairs, research, gateway)
            page = write_all(pairs, verdict, output / "pictures")
            _write_summary(verdict, output / "summary.json", time.monotonic() - started)
            show.summary(verdict)
            show.say(f"\nTook {time.monotonic() - started:.0f} s. Where to look:")
            show.where_to_look(place, output, page)
            if not once:
                _stay_up(gateway)
            code = gateway.stop()
    finally:
        research.stop()
    if code:
        print(f"demo: the gateway ended with {code}", file=sys.stderr)
    return DONE if verdict.good and not code else FOUND


def _play(gateway: RunningGateway, research: ResearchPacs, folder: Path) -> tuple[Sent, ...]:
    """Send everything study by study, then wait until every object has arrived or is held."""
    clinical = ClinicalPacs(gateway.place.dicom_port)
    sent: list[Sent] = []
    with show.Screen(OBJECTS) as screen:
        for _, study in groupby(worklist(), key=lambda one: one.patient.number):
            objects = tuple(study)
            files = [folder / f"{one.name}.dcm" for one in objects]
            for one, path in zip(objects, files, strict=True):
                one.dataset.save_as(path, enforce_file_format=True)
            clinical.send_study(files)
            sent += objects
            screen.update({"sent": len(sent), "arrived": len(research.stored())})
        _wait(gateway, research, screen, objects=len(sent))
    return tuple(sent)


def _wait(gateway: RunningGateway, research: ResearchPacs, screen: show.Screen, *, objects: int) -> None:
    """Wait until every object stands at the research PACS or is held; give up when nothing moves any more."""
    last: Mapping[str, int] = {}
    moved_at = time.monotonic()
    while True:
        states, arrived = gateway.counted(), len(research.stored())
        waiting, held = states["received"] + states["clean"], states["held"]
        finished = {"de-identified": objects - states["received"] - held, "arrived": arrived, "held": held}
        screen.update(finished)
        if sum(states.values()) == objects and not waiting:
            return
        if finished != last:
            last, moved_at = finished, time.monotonic()
        elif time.monotonic() - moved_at > _STANDSTILL_S:
            raise GatewayError(f"nothing moved for {_STANDSTILL_S:.0f} s; see {gateway.place.log}")
        research.wait_for_change(arrived, _LOOK_EVERY_S)


def _judge(pairs: tuple[Pair, ...], research: ResearchPacs, gateway: RunningGateway) -> Verdict:
    return judge(
        pairs,
        research.stored(),
        {"the gateway's log": gateway.place.log.read_bytes(), "the metrics page": gateway.metrics()},
        held=gateway.status()["held"],
        reconciled=gateway.reconcile(),
    )


def _write_summary(verdict: Verdict, path: Path, seconds: float) -> None:
    numbers = dataclasses.asdict(verdict) | {
        "identifiers_found": verdict.identifiers_found, "good": verdict.good, "seconds": round(seconds, 1),
    }  # fmt: skip
    path.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


def _stay_up(gateway: RunningGateway) -> None:
    show.say("\nThe gateway stays up; Ctrl-C ends it.")
    try:
        while not gateway.wait(_FOREVER_TICK_S):
            pass
    except InterruptedByUser:
        show.say("draining the gateway")


if __name__ == "__main__":
    sys.exit(main())
