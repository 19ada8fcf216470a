"""docs/faults.md says what the table of faults says."""

from pathlib import Path

from tests.acceptance.faults import strangers
from tests.acceptance.faults.document import text
from tests.acceptance.faults.table import TABLE, PeerFault

ROOT = Path(__file__).parents[2]


def test_the_published_table_is_the_one_that_is_tried():
    """Written by `python -m tests.acceptance.faults document`."""
    assert (ROOT / "docs" / "faults.md").read_text(encoding="utf-8") == text()


def test_every_misbehaviour_in_the_table_is_done_by_somebody():
    """No row is a promise without a test, and no row is there twice."""
    named = [fault.cause.does for fault in TABLE if isinstance(fault.cause, PeerFault)]

    assert all(callable(getattr(strangers, name)) for name in named)
    assert len({fault.name for fault in TABLE}) == len(TABLE)
