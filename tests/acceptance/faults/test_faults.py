"""Each row of the table, done to a whole node: it is as the table says, and afterwards all is where it should be."""

from __future__ import annotations

import pytest

from tests.acceptance.faults.bench import Outcome, bench, is_soak
from tests.acceptance.faults.modality import Seen
from tests.acceptance.faults.table import TABLE, Arrives, Fault
from tests.peers.programs import wait_until

ROWS = [fault for fault in TABLE if fault.everyday or is_soak()]
_MORE_MEMORY_BYTES = 64 << 20

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """A node that all faults are done to, one after the other."""
    with bench(tmp_path_factory.mktemp("faults")) as made:
        assert made.modality.send(next(made.made)) is Seen.SUCCESS
        made.settle()
        yield made


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_as_the_table_says_and_loses_nothing(spoilt, fault: Fault):
    """What the sender sees, what is on the disk, who else is served; then the same object arrives, in one version."""
    report = next(spoilt.made)

    outcome = spoilt.suffer(fault, report)

    assert outcome == Outcome(seen=fault.seen, disk=fault.disk, others=fault.others)
    report = spoilt.modality.what_was_sent(report)
    if fault.seen not in (Seen.SUCCESS, Seen.HELD_OFF):
        spoilt.modality.send_until_success(report)
    spoilt.settle()
    assert spoilt.arrived(report) is fault.arrives
    assert spoilt.complaints() == []
    if fault.arrives is not Arrives.NEVER:
        assert spoilt.strays().parts == frozenset()


def test_after_all_that_a_start_leaves_nothing_behind_and_nothing_grew(spoilt):
    """Descriptors and threads are as after a start; the next start removes what the killed ones left."""
    used = spoilt.usage()
    assert spoilt.node.terminate() == 0
    spoilt.node.start()
    assert spoilt.modality.send(next(spoilt.made)) is Seen.SUCCESS
    spoilt.settle()

    assert not any(
        (strays := spoilt.strays()).__getattribute__(kind) for kind in ("parts", "originals", "unfinished", "outputs")
    ), strays
    assert "balanced" in spoilt.node.run("reconcile", "--hash").stdout
    fresh = spoilt.usage()
    wait_until(lambda: spoilt.usage().threads <= used.threads, what="threads end")
    assert used.descriptors <= fresh.descriptors + 8, (used, fresh)
    assert used.threads <= fresh.threads + 4, (used, fresh)
    assert used.memory_bytes <= fresh.memory_bytes + _MORE_MEMORY_BYTES, (used, fresh)
