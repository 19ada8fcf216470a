"""Where targets' reports about storage commitment go: read, written into the ledger, counted, answered.

Used by the listener, for targets that call us to answer, and by the process that asked, for those that answer on the
same association.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import log, metrics
from gateway.commitment import ReportFault, read_report
from gateway.commitments import Answered
from gateway.statuses import EventStatus
from pipeline.reasons import Reason

if TYPE_CHECKING:
    from gateway.commitment import EncodedReport
    from gateway.commitments import Commitments


class Reports:
    """Takes reports.

    Parameters
    ----------
    commitments
        The ledger's rows.
    """

    def __init__(self, commitments: Commitments) -> None:
        self._commitments = commitments

    def take(self, encoded: EncodedReport, /) -> EventStatus:
        """Read a report and make it durable; return how to answer."""
        try:
            report = read_report(encoded)
            counts = self._commitments.record_report(encoded.node, report)
        except ReportFault as fault:
            return self._refused(encoded.node, fault.status)
        except Exception as error:  # noqa: BLE001  a busy or full ledger, or a fault of ours: it was not taken, so the target may tell again
            log.fault("commitment_not_recorded", error, target=encoded.node)
            return EventStatus.PROCESSING_FAILURE
        if counts is None:
            return self._refused(encoded.node, EventStatus.INVALID_ARGUMENT_VALUE)
        for outcome, number in counts.items():
            metrics.INSTANCES.labels("commitment", outcome.value).inc(number)
            log.event("commitment", target=encoded.node, outcome=outcome.value, count=number)
        metrics.HELD.labels(Reason.DELIVERY_FAILED.value).inc(counts.get(Answered.FAILED, 0))
        return EventStatus.SUCCESS

    def _refused(self, node: str, status: EventStatus) -> EventStatus:
        log.event("commitment_report_refused", target=node, why=status.name.lower(), status=status)
        return status
