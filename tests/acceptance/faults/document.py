"""docs/faults.md, written from the table.

Rule of the file: what stands in the table is said by the table; the sentences here say how to read it.
"""

from __future__ import annotations

from itertools import groupby

from tests.acceptance.faults.table import TABLE, Fault

_BEFORE = """\
# Faults: what breaks, and what becomes of an object

Written by `python -m tests.acceptance.faults document`; do not edit. Each row is done to a whole node (receiver,
worker, forwarder, SQLite ledger, spool; a report of a few kilobytes; a research PACS behind a line that can be cut) by
`tests/acceptance/faults`, and what the row says is what the test compares.

In every row, afterwards: what was answered with 0x0000 is accounted for (`sonoveil reconcile --hash` balances); what
arrived did so under one UID and as the same bytes, however often it was sent; the next start leaves no part file, no
unfinished output and no file that no row names; descriptors and threads of the receiver are as after a start.

- **Sender sees**: the answer to the one send that met the fault. Whatever it is but 0x0000, the sender sends the object
  again when the fault is over, as modalities do, and is then answered 0x0000.
- **On disk**: what of the object is there at that moment. "Nothing" may have been a part file before.
- **Arrives**: at the research PACS, in the end.
- **Others**: what another sender is answered meanwhile.
- **Tried**: by every run of the tests, or by `make soak` alone.
"""

_AFTER = """\
## Power cuts

The node runs on a disk that writes down every change and every sync in their order. From that, the disk is put together
as it may be found after a cut at any point: a strict one keeps bytes whose file was synced and names whose folder was,
and nothing else; a careless one also keeps any part of the rest: writes whole, cut short or not at all, and any first
part of each folder's changes of names. At each, start-up is run and everything acknowledged before the cut is looked
for, and everything that had arrived is compared with what would be sent. Every run of the tests tries 24 points on a
strict and a careless disk; `make soak` tries all points, on a strict and five careless disks, and starts a whole node.

## What is not here

- Faults of the kernel or of a disk that lies about a sync.
- Packet loss and delay below TCP: what they lead to (silence, half-open connections, slowness) is done above it.
- The slow handshake on TLS is tried by `tests/integration/test_network_tls.py`, mutated messages by
  `tests/integration/test_network_fuzzing.py`.
- A ledger on PostgreSQL and storage on S3.
"""


def text() -> str:
    """Return the whole document."""
    parts = [_BEFORE]
    for place, rows in groupby(TABLE, key=lambda fault: fault.place):
        parts.append(f"## {place[0].upper()}{place[1:]}\n")
        parts.append("| Fault | Sender sees | On disk | Arrives | Others | Tried |\n|---|---|---|---|---|---|")
        parts[-1] += "".join(f"\n| {_cells(fault)} |" for fault in rows) + "\n"
    return "\n".join([*parts, _AFTER])


def _cells(fault: Fault) -> str:
    tried = "every run" if fault.everyday else "soak"
    return f"{fault.name} | {fault.seen} | {fault.disk} | {fault.arrives} | {fault.others} | {tried}"
