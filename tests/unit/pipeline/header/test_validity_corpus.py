"""Valid in, valid out over the corpus and over every file that comes with pydicom, through the whole pipeline."""

import io
import re
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_files

from pipeline.header.decoding import silent_decoding
from pipeline.reasons import Held
from tests.factories.corpus.judge import new_faults
from tests.factories.corpus.made import KINDS, combinations, make
from tests.factories.corpus.pixels import DEFLATED, EXPLICIT
from tests.factories.corpus.runner import HeaderRunner, blind_profile

LARGEST_BYTES = 2_000_000
NOT_JUDGED = re.compile(r"DICOMDIR|\.zip$|\.xml$|\.json$|\.txt$|\.py$")


@pytest.fixture(scope="module", params=["strict", "research"])
def runner(request, tmp_path_factory):
    """De-identify under one of the shipped profiles, pixels included, with eyes that find no text."""
    return HeaderRunner(blind_profile(request.param), tmp_path_factory.mktemp(request.param))


def added_faults(runner, raw, folder):
    """Return the faults of the result that the source did not have; none where nothing comes out."""
    try:
        result = runner.run(raw)
    except Held:
        return {}
    return new_faults(raw, result, folder / "judged.dcm")


@pytest.mark.parametrize("planted", [False, True], ids=["plain", "planted"])
def test_no_kind_of_object_is_made_less_valid(runner, planted, tmp_path):
    """Of each class one object without a plant, which is valid or nearly so, and one full of them."""
    worse = {kind: added_faults(runner, make(kind, EXPLICIT, planted=planted).raw, tmp_path) for kind in KINDS}

    assert {kind: faults for kind, faults in worse.items() if faults} == {}


def test_no_syntax_makes_an_object_less_valid(runner, tmp_path):
    """One grey and one colour image in every syntax."""
    worse = {}
    for kind, syntax in combinations():
        if kind in ("CT", "US-CLIP", "SC") and syntax != DEFLATED:  # which the judge cannot read
            worse[kind, syntax] = added_faults(runner, make(kind, syntax, planted=False).raw, tmp_path)

    assert {kind: faults for kind, faults in worse.items() if faults} == {}


def with_a_patient(raw):
    """Return the file, with a Patient ID where it had none, so that it is not held for that alone."""
    with silent_decoding():
        try:
            source = pydicom.dcmread(io.BytesIO(raw), force=True)
            if source.get("PatientID") or "SOPClassUID" not in source:
                return raw
            source.PatientID = "4711"
            written = io.BytesIO()
            source.save_as(written)
        except Exception:  # noqa: BLE001  files that are damaged on purpose; the runner decides about them
            return raw
        return written.getvalue()


def test_no_file_of_pydicom_is_made_less_valid(runner, tmp_path):
    """Of many makers, classes and syntaxes; those that are held are held in the same way as everywhere."""
    worse, came_out = {}, 0
    for name in get_testdata_files():
        path = Path(name)
        if NOT_JUDGED.search(path.name) or not path.is_file() or path.stat().st_size > LARGEST_BYTES:
            continue
        raw = with_a_patient(path.read_bytes())
        try:
            result = runner.run(raw)
        except Held:
            continue
        came_out += 1
        faults = new_faults(raw, result, tmp_path / "judged.dcm")
        if faults:
            worse[path.name] = faults

    assert worse == {}
    assert came_out >= 60
