"""Nothing stands behind a lookup table, and nothing that is none passes for one."""

import math
import struct

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.factories.headers import minimal, scrubbed, written
from tests.factories.search import find_planted

NAME = b"Vorzibmurdax"


def words(*values):
    """Return 16-bit words."""
    return struct.pack(f"<{len(values)}H", *values)


def palette(data, descriptor=(4, 0, 16), keyword="RedPaletteColorLookupTableData"):
    """Return what becomes of a palette."""
    source = minimal(**{keyword: data})
    source.add_new(0x00281101, "US", list(descriptor))
    result = scrubbed(source).dataset
    assert find_planted(written(result), [NAME.decode()]) == []
    return result.get(keyword)


@pytest.mark.parametrize(
    ("data", "descriptor", "kept"),
    [
        (words(1, 2, 3, 4), (4, 0, 16), words(1, 2, 3, 4)),
        (words(1, 2, 3, 4) + NAME, (4, 0, 16), words(1, 2, 3, 4)),
        (words(1, 2, 3, 4) + NAME, (4, 0, 8), words(1, 2, 3, 4)),
        (bytes((1, 2, 3, 4)), (4, 0, 8), bytes((1, 2, 3, 4))),
        (bytes((1, 2, 3, 0)), (3, 0, 8), bytes((1, 2, 3, 0))),
        (bytes(2 << 16), (0, 0, 16), bytes(2 << 16)),
        (bytes(2 << 16) + NAME, (0, 0, 16), bytes(2 << 16)),
        (NAME, (256, 0, 16), None),
        (NAME, (256, 0, 8), None),
        (words(1, 2, 3), (4, 0, 16), None),
    ],
)
def test_a_palette_is_as_long_as_its_descriptor_says(data, descriptor, kept):
    """Cut where it is longer, gone where it is shorter."""
    assert palette(data, descriptor) == kept


@pytest.mark.parametrize(
    ("data", "entries", "kept"),
    [
        (words(0, 2, 7, 8, 1, 2, 9), 4, True),
        (words(0, 2, 7, 8, 2, 1, 0, 0), 4, True),
        (words(0, 2, 7, 8, 1, 3, 9, 2, 2, 0, 0), 10, True),
        (words(0, 2, 7, 8), 4, False),
        (words(0, 9, 7, 8), 9, False),
        (words(2, 1, 0, 0), 4, False),
        (words(0, 2, 7, 8, 2, 1, 4, 0), 4, False),
        (words(7, 4, 1, 1), 4, False),
        (NAME, 4, False),
    ],
)
def test_segments_end_where_the_table_is_complete(data, entries, kept):
    """Discrete, linear and indirect segments."""
    result = palette(data + NAME, (entries, 0, 16), "SegmentedRedPaletteColorLookupTableData")

    assert result == (data if kept else None)


def test_a_palette_without_descriptor_goes():
    """Nobody could say how long it is."""
    result = scrubbed(minimal(BluePaletteColorLookupTableData=NAME * 2, PatientID="4711")).dataset

    assert "BluePaletteColorLookupTableData" not in result


@pytest.mark.parametrize(("vr", "extra"), [("US", [18011, 31090]), ("OW", b"Quatynlekpho")])
def test_modality_and_window_tables_are_cut_too(vr, extra):
    """LUT Data is numbers or words; its explanation is cleaned."""
    item = Dataset()
    item.add_new(0x00283002, "US", [2, 0, 16])
    item.LUTExplanation = "for Vorzibmurdax"
    item.add_new(0x00283006, vr, [1, 2, *extra] if vr == "US" else words(1, 2) + extra)

    result = scrubbed(minimal(PatientName=NAME.decode(), VOILUTSequence=Sequence([item]))).dataset

    assert find_planted(written(result), [NAME.decode(), "Quatynlekpho"]) == []
    kept = result.VOILUTSequence[0].LUTData
    assert (kept if vr == "OW" else words(*kept)) == words(1, 2)


def test_a_name_that_is_a_palette_goes():
    """As long as its descriptor says, and still a name."""
    source = minimal(PatientName=NAME.decode(), RedPaletteColorLookupTableData=NAME)
    source.add_new(0x00281101, "US", [6, 0, 16])

    assert find_planted(written(scrubbed(source).dataset), [NAME.decode()]) == []


SENTENCE = b"Frau Erika Vorzibmurdax Hauptstrasse geboren im Mai"
READINGS = {
    "in little endian": [SENTENCE[at + 1] << 8 | SENTENCE[at] for at in range(0, 50, 2)],
    "in big endian": [SENTENCE[at] << 8 | SENTENCE[at + 1] for at in range(0, 50, 2)],
    "in lower bytes": list(SENTENCE),
    "in upper bytes": [letter << 8 | 3 for letter in SENTENCE],
}


@pytest.mark.parametrize("vr", ["US", "OW"])
@pytest.mark.parametrize("entries", READINGS.values(), ids=READINGS)
def test_a_sentence_that_is_a_table_goes(entries, vr):
    """As numbers and as words, however the letters stand in them; the patient is not even named by it."""
    item = Dataset()
    item.add_new(0x00283002, "US", [len(entries), 0, 16])
    item.add_new(0x00283006, vr, entries if vr == "US" else words(*entries))

    result = scrubbed(minimal(VOILUTSequence=Sequence([item]))).dataset

    assert "LUTData" not in result.VOILUTSequence[0]


CURVES = {
    "a ramp": range(256),
    "a ramp of 16 bits": range(0, 65536, 16),
    "downwards": range(65535, 0, -13),
    "a gamma": [round(65535 * (at / 4095) ** 2.2) for at in range(4096)],
    "a gamma of 8 bits": [round(255 * (at / 255) ** 0.45) for at in range(256)],
    "a wave": [round(128 + 127 * math.sin(at / 9)) for at in range(256)],
    "a wave in upper bytes": [round(128 + 127 * math.sin(at / 9)) << 8 for at in range(256)],
    "a sigmoid": [round(4095 / (1 + math.exp((2048 - at) / 400))) for at in range(4096)],
    "steps": [at // 16 * 257 for at in range(4096)],
}


@pytest.mark.parametrize("vr", ["US", "OW"])
@pytest.mark.parametrize("entries", CURVES.values(), ids=CURVES)
def test_curves_that_are_tables_stay(entries, vr):
    """Bit for bit."""
    numbers = list(entries)
    item = Dataset()
    item.add_new(0x00283002, "US", [len(numbers), 0, 16])
    item.add_new(0x00283006, vr, numbers if vr == "US" else words(*numbers))

    kept = scrubbed(minimal(VOILUTSequence=Sequence([item]))).dataset.VOILUTSequence[0].LUTData

    assert (kept if vr == "OW" else words(*kept)) == words(*numbers)
