"""The header as rules ask about it: what cannot be read is held by whoever asks, not a fault of ours."""

import pydicom
import pytest

from gateway.headers import read_header, values
from pipeline.reasons import Held, Reason
from tests.factories.planted import planted_object


def test_an_element_that_cannot_be_decoded_is_unreadable(tmp_path):
    """It is read when a rule asks for it: three bytes of a number of two."""
    path = planted_object("CT", seed=1).save(tmp_path / "ct.dcm")
    raw = path.read_bytes()
    rows = raw.index(b"\x28\x00\x10\x00US\x02\x00")
    path.write_bytes(raw[: rows + 6] + b"\x03\x00" + raw[rows + 8 : rows + 10] + b"\x00" + raw[rows + 10 :])
    header = read_header(path)

    with pytest.raises(Held) as raised:
        values(header, "Rows")

    assert raised.value.reason is Reason.UNREADABLE
    assert values(header, "Modality") == ("CT",)
    assert pydicom.dcmread(planted_object("CT", seed=1).save(tmp_path / "whole.dcm")).Rows == int(
        values(read_header(tmp_path / "whole.dcm"), "Rows")[0]
    )
