"""Statuses and rejections are those of the standard."""

from __future__ import annotations

import pytest

from gateway.statuses import REJECTION_CODES, Answer, Rejection, Status, answer_of


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (0x0000, Answer.SENT),
        (0x0001, Answer.SENT_WITH_WARNING),
        (0x0107, Answer.SENT_WITH_WARNING),
        (0x0116, Answer.SENT_WITH_WARNING),
        (0xB000, Answer.SENT_WITH_WARNING),
        (0xB006, Answer.SENT_WITH_WARNING),
        (0xB007, Answer.SENT_WITH_WARNING),
        (0xBFFF, Answer.SENT_WITH_WARNING),
        (0xA700, Answer.LATER),
        (0xA7FF, Answer.LATER),
        (0xA800, Answer.REFUSED),
        (0xA900, Answer.REFUSED),
        (0xC000, Answer.REFUSED),
        (0xCFFF, Answer.REFUSED),
        (0x0110, Answer.REFUSED),
        (0x0117, Answer.REFUSED),
        (0x0122, Answer.REFUSED),
        (0x0124, Answer.REFUSED),
        (0xFE00, Answer.REFUSED),
        (0xFF00, Answer.REFUSED),
        (0xFFFF, Answer.REFUSED),
    ],
)
def test_a_peers_status_means_what_the_standard_says(status, answer):
    """Only success and warnings count as sent; what nobody defined is refused, never taken for success."""
    assert answer_of(status) is answer


def test_no_status_but_success_and_warnings_is_ever_taken_for_sent():
    """All 65,536 of them."""
    sent = {s for s in range(0x10000) if answer_of(s) in {Answer.SENT, Answer.SENT_WITH_WARNING}}

    assert sent == {0x0000, 0x0001, 0x0107, 0x0116, *range(0xB000, 0xC000)}


def test_our_answers_are_success_and_the_four_failures_of_the_product():
    """Nothing else is answered to a C-STORE."""
    assert {int(status) for status in Status} == {0x0000, 0x0117, 0xA700, 0xA900, 0xC000}


def test_every_rejection_has_its_three_numbers():
    """PS3.8 Table 9-21."""
    codes = {rejection: (code.result, code.source, code.reason) for rejection, code in REJECTION_CODES.items()}

    assert codes == {
        Rejection.CALLED_AET: (1, 1, 7),
        Rejection.CALLING_AET: (1, 1, 3),
        Rejection.LOCAL_LIMIT: (2, 3, 2),
        Rejection.OUT_OF_RESOURCES: (2, 3, 1),
        Rejection.CONGESTION: (2, 3, 1),
    }
