"""What is written has a container of our own, explicit lengths, and is a file only when it is whole."""

import stat

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.container import IMPLEMENTATION_CLASS_UID, write_part10
from tests.factories.planted import find_planted, planted_object

LITTLE = "1.2.840.10008.1.2.1"


def small():
    """Return something that can be written."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.1"
    item = Dataset()
    item.is_undefined_length_sequence_item = True
    item.CodeMeaning = "x"
    dataset.PurposeOfReferenceCodeSequence = Sequence([item])
    return dataset


def test_preamble_and_file_meta_are_our_own(tmp_path):
    """Zero preamble; class, instance, syntax and this product; no AE titles, no private information."""
    path = tmp_path / "out.dcm"

    write_part10(small(), path, LITTLE)

    written = pydicom.dcmread(path)
    assert path.read_bytes()[:132] == bytes(128) + b"DICM"
    assert [int(element.tag) & 0xFFFF for element in written.file_meta] == [0, 1, 2, 3, 0x10, 0x12, 0x13]
    assert written.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert written.file_meta.ImplementationVersionName.startswith("SONOVEIL_")
    assert written.file_meta.MediaStorageSOPInstanceUID == "2.25.1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("syntax", [LITTLE, "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"])
def test_what_is_written_reads_back_equal(syntax, tmp_path):
    """Explicit, implicit and deflated."""
    path = tmp_path / "out.dcm"

    write_part10(small(), path, syntax)

    assert pydicom.dcmread(path) == small()


def test_the_container_of_the_source_does_not_come_along(tmp_path):
    """Even when the caller hands over a data set that still has its own."""
    planted = planted_object("CT", seed=1)
    in_container = (planted.planted[0], str(planted.dataset.file_meta.SourceApplicationEntityTitle))

    assert find_planted(planted.save(tmp_path / "in.dcm"), in_container) == list(in_container)

    write_part10(planted.dataset, tmp_path / "out.dcm", LITTLE)

    assert find_planted(tmp_path / "out.dcm", in_container) == []


def test_nothing_is_overwritten(tmp_path):
    """The spool's names are unique; a second one is a fault."""
    path = tmp_path / "out.dcm"
    path.write_bytes(b"here")

    with pytest.raises(FileExistsError):
        write_part10(small(), path, LITTLE)

    assert path.read_bytes() == b"here"


def test_half_an_object_is_removed(tmp_path):
    """A fault while writing leaves no file behind."""
    broken = small()
    broken.add_new(0x00280010, "US", 1)
    broken[0x00280010]._value = "no number"

    with pytest.raises(OSError, match="required argument"):
        write_part10(broken, tmp_path / "out.dcm", LITTLE)

    assert list(tmp_path.iterdir()) == []
