"""The files that come with pydicom: what stays of the private attributes of real devices, and that they stay valid."""

import collections
import subprocess
import sys
import warnings
from pathlib import Path

import pydicom
import pytest

from pipeline.header.container import write_part10
from tests.factories.headers import scrubbed
from tests.factories.planted import planted_object
from tests.factories.private import PHILIPS, PHILIPS_MR, SAFE, SIEMENS_MR, item, sequence, with_private

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
JUDGE = Path(sys.executable).parent / "dciodvfy"
PIXELS = slice(0x7FE00000, 0x7FE10000)


def opened(name):
    """Read one of pydicom's files, which are about nobody and lack some IDs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = pydicom.dcmread(next(FILES.rglob(name)))
    source.PatientID = source.get("PatientID") or "4711"
    return source


def private_tags(dataset):
    """Return the tags of the root's private elements, creators left out."""
    return {tag for tag in dataset.keys() if tag.is_private and tag.element > 0xFF}  # noqa: SIM118


@pytest.mark.parametrize(
    ("name", "kept", "creators"),
    [
        ("CT_small.dcm", 137, {"GEMS_ACQU_01", "GEMS_PARM_01", "GEMS_IMAG_01", "GEMS_SERS_01"}),
        ("JPEG2000.dcm", 31, {"GEMS_GENIE_1"}),
        ("examples_overlay.dcm", 0, set()),
    ],
)
def test_numbers_of_real_devices_stay_and_are_the_same(name, kept, creators):
    """GE CT and NM; of a device that no table knows, nothing."""
    source = opened(name)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = scrubbed(source, SAFE).dataset

        found = private_tags(result)
        assert len(found) == kept
        assert creators <= {element.value for element in result if element.tag.is_private_creator}
        assert all(result[tag].value == source[tag].value for tag in found)


def errors_in(path):
    """Count the judge's errors by their text."""
    ended = subprocess.run([JUDGE, path], capture_output=True, check=False, timeout=60)
    lines = ended.stderr.decode("latin-1").splitlines()
    return collections.Counter(line for line in lines if line.startswith("Error"))


def written_with_pixels(source, path):
    """Scrub an object and write it with its pixel data as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = scrubbed(source, SAFE).dataset
        for element in source[PIXELS]:
            result[element.tag] = element
    write_part10(result, path, source.file_meta.TransferSyntaxUID)
    return path


@pytest.mark.parametrize("kind", ["US", "CT", "MR"])
def test_an_object_with_private_attributes_is_as_valid_as_before(kind, tmp_path):
    """Numbers, a text, a sequence, and (0008,0300) about them."""
    planted = planted_object(kind, seed=1)
    with_private(
        (0x0019, SIEMENS_MR, 0x0C, "IS", "1000"),
        (0x0019, SIEMENS_MR, 0x0D, "CS", "DIRECTIONAL"),
        (0x2005, PHILIPS_MR, 0x0E, "FL", 0.5),
        (0x2001, PHILIPS, 0x5F, "SQ", sequence(item((0x2001, PHILIPS, 0x32, "FL", 1.5)))),
        dataset=planted.dataset,
    )

    path = written_with_pixels(planted.dataset, tmp_path / "out.dcm")

    assert len(private_tags(pydicom.dcmread(path))) == 4
    assert not errors_in(path)


@pytest.mark.parametrize("name", ["CT_small.dcm", "JPEG2000.dcm"])
def test_a_real_object_is_as_valid_as_before(name, tmp_path):
    """No error that the file did not have."""
    before = errors_in(next(FILES.rglob(name)))

    assert set(errors_in(written_with_pixels(opened(name), tmp_path / "out.dcm"))) <= set(before)
