"""Properties of data sets of every VR and of studies: nothing planted stays, references resolve, order is nothing."""

import copy
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pydicom
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.config import IGNORE
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.container import write_part10_to
from pipeline.header.identity import Identities
from pipeline.header.scrub import scrub_header
from tests.factories.corpus.made import make
from tests.factories.corpus.pixels import EXPLICIT
from tests.factories.corpus.runner import KEY, header_profile
from tests.factories.corpus.tally import uid_pairs
from tests.factories.planted import find_planted

ROOT = Path(__file__).parents[4]
STRANGER, OWN, UID = "Zibvormurlekdax", "Quavorziblek", "1.2.826.0.1.3680043.8.498.4711"
TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
BYTES = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")
DECIDING = {0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00100010, 0x00100020}
TAGS_OF = {
    vr: sorted(
        tag
        for tag, entry in DicomDictionary.items()
        if entry[0].split(" or ")[0] == vr and 8 <= tag >> 16 < 0x7FE0 and tag not in DECIDING
    )
    for vr in (*TEXTS, *BYTES, "SQ", "UI", "DA", "DT", "TM", "AS", "IS", "DS", "US", "FD", "AT")
}
KINDS = ("CT", "MR", "SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "GSPS", "REG")

WORKER = """
import io, json, sys
import pydicom
from tests.factories.corpus.made import make
from tests.factories.corpus.pixels import EXPLICIT
from tests.factories.corpus.runner import HeaderRunner, header_profile
from pathlib import Path
runner = HeaderRunner(header_profile("research"), Path(sys.argv[1]))
results = {kind: runner.run(make(kind, EXPLICIT, seed=7).raw).hex() for kind in sys.argv[2:]}
print(json.dumps(results))
"""


def value_of(draw, vr, depth):
    """Draw a value of a VR with something planted in it where it can carry that."""
    word = draw(st.sampled_from([STRANGER, OWN]))
    if vr == "SQ":
        return Sequence(draw(st.lists(data_sets(depth - 1), max_size=2)) if depth else [])
    if vr in TEXTS:
        return draw(st.sampled_from([word, word.upper(), word.lower()]))
    if vr in BYTES:
        wide = [OWN.encode("utf-16-le")]  # a stranger's is the samples of some curve as well
        return draw(st.sampled_from([word.encode(), word.upper().encode(), *wide])).ljust(32, b"\0")
    numbers = {"UI": f"{UID}.{draw(st.integers(1, 9))}", "AT": 0x00100010, "US": 3, "FD": 0.5, "IS": "4", "DS": "1.5"}
    others = {"DA": "20190311", "DT": "20190311101010.5+0100", "TM": "101010", "AS": "054Y"}
    return {**numbers, **others}[vr]


@st.composite
def data_sets(draw, depth=3):
    """Draw a data set of elements of every VR, public, private and of no dictionary."""
    dataset = Dataset()
    for vr in draw(st.lists(st.sampled_from(sorted(TAGS_OF)), max_size=7)):
        if TAGS_OF[vr]:
            tag = draw(st.sampled_from(TAGS_OF[vr]))
            dataset.add(DataElement(tag, vr, value_of(draw, vr, depth), validation_mode=IGNORE))
    if draw(st.booleans()):
        block = dataset.private_block(0x0019, f"{STRANGER} HDR", create=True)
        block.add_new(1, "UN", OWN.encode().ljust(16))
        block.add_new(2, "SQ", Sequence([Dataset()]))
    if draw(st.booleans()):
        dataset.add(DataElement(0x00080203, "LO", STRANGER, validation_mode=IGNORE))
    return dataset


@st.composite
def objects(draw):
    """Draw a data set with what a pseudonym needs."""
    dataset = draw(data_sets())
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", f"{UID}.1"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{UID}.2", f"{UID}.3"
    dataset.PatientID, dataset.PatientName = "4711", f"{OWN}^Jo"
    return dataset


def scrubbed(source, profile="strict"):
    """Scrub a header under a shipped profile."""
    return scrub_header(
        source,
        profile=header_profile(profile),
        identities=Identities(KEY, "proof"),
        patient_domain="A",
        node_name="n",
    ).dataset


def written(dataset, syntax=EXPLICIT):
    """Return the bytes of a Part 10 file."""
    buffer = io.BytesIO()
    write_part10_to(buffer, dataset, syntax)
    return buffer.getvalue()


@given(objects(), st.sampled_from(["strict", "research"]))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_planted_in_any_vr_is_gone(source, profile):
    """A stranger's name, the patient's name, a UID: in public, private and unknown elements, at any depth."""
    before = copy.deepcopy(source)

    result = written(scrubbed(source, profile))

    assert find_planted(result, [STRANGER, OWN, UID]) == []
    assert source == before


@given(objects(), st.sampled_from(["strict", "research"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_scrubbing_what_was_read_from_a_file_gives_the_same(source, profile):
    """Bytes that were never decoded are judged like values that were, whichever syntax carried them."""
    whole = written(scrubbed(source, profile))
    for syntax in ("1.2.840.10008.1.2", EXPLICIT):
        read = pydicom.dcmread(io.BytesIO(written(copy.deepcopy(source), syntax)))

        assert find_planted(written(scrubbed(read, profile)), [STRANGER, OWN, UID]) == []
    assert find_planted(whole, [STRANGER]) == []


def test_references_resolve_between_two_processes_and_any_order(tmp_path):
    """Two processes with the same key, one from the first object to the last, one from the last to the first."""
    results = []
    for number, kinds in enumerate((KINDS, KINDS[::-1])):
        folder = tmp_path / str(number)
        folder.mkdir()
        ended = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", WORKER, folder, *kinds],
            cwd=ROOT,
            capture_output=True,
            check=True,
            timeout=120,
        )
        results.append({kind: bytes.fromhex(raw) for kind, raw in json.loads(ended.stdout).items()})
    here, there = results
    digests = [{kind: hashlib.sha256(raw).hexdigest() for kind, raw in made.items()} for made in results]
    new_uids = {kind: pydicom.dcmread(io.BytesIO(raw)).SOPInstanceUID for kind, raw in there.items()}
    old_uids = {make(kind, EXPLICIT, seed=7).dataset.SOPInstanceUID: kind for kind in KINDS}

    resolved = 0
    for kind, raw in here.items():
        for before, after in uid_pairs(make(kind, EXPLICIT, seed=7).dataset, pydicom.dcmread(io.BytesIO(raw))):
            if before in old_uids:
                assert after == new_uids[old_uids[before]]
                resolved += 1

    assert digests[0] == digests[1]
    assert resolved >= 2 * len(KINDS)
