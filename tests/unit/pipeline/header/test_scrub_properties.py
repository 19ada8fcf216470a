"""Properties of the scrubber over generated, nested data sets."""

import copy
import datetime as dt
import io

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.config import IGNORE
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.container import write_part10_to
from pipeline.header.identity import Identities
from pipeline.header.numbers import NUMBERS
from pipeline.header.outside import action_for
from pipeline.header.scrub import scrub_header
from pipeline.header.table import Action, compile_rules
from tests.factories.planted import find_planted
from tests.factories.profiles import RESEARCH, STRICT

SECRET = "Quavorziblek"
"""The patient's family name: planted anywhere, it must be gone."""
OTHER = "Muxrixjoldax"
_OLDEST = dt.date(10, 1, 1)
"""Dates move back twice; before the year 1 there is none."""
"""A word of somebody else: planted where the profile keeps nothing, it must be gone too."""
TEXT_VRS = ("LO", "SH", "LT", "ST", "UT", "UC", "PN", "AE", "CS", "UR")
IDENTITIES = Identities(bytes(range(32)), "p")
RULES = compile_rules(STRICT)
NOT_DRAWN = (0x00080005, 0x00100020, 0x54000100)
"""Character set and Patient ID, which every object has; Waveform Sequence, whose items are held without samples."""
TAGS = sorted(
    tag
    for tag, (vr, _vm, _name, _retired, _keyword) in DicomDictionary.items()
    if vr in (*TEXT_VRS, "SQ", "UI", "DA") and 8 <= tag >> 16 < 0x7FE0 and tag not in NOT_DRAWN
)


def _text_for(tag):
    kept = action_for(tag, RULES) in (Action.KEEP, Action.CLEAN)
    return SECRET if kept else OTHER


@st.composite
def datasets(draw, depth=3):
    """Draw a data set with secrets in texts, private elements and sequences."""
    dataset = Dataset()
    for tag in draw(st.lists(st.sampled_from(TAGS), max_size=8, unique=True)):
        vr = DicomDictionary[tag][0]
        if vr == "SQ":
            value = Sequence(draw(st.lists(datasets(depth - 1), max_size=2)) if depth else [])
        elif vr == "UI":
            if action_for(tag, RULES) is Action.KEEP:
                continue  # names a class, a syntax or a vocabulary
            value = f"1.2.826.0.1.99.{draw(st.integers(1, 5))}4711"
        elif vr == "DA":
            value = draw(st.dates(min_value=_OLDEST)).strftime("%Y%m%d").zfill(8)
        else:
            text = _text_for(tag)
            value = draw(st.sampled_from([text, text.upper(), f"of {text}", text.lower()]))[:16]
        dataset.add(DataElement(tag, vr, value, validation_mode=IGNORE))
    if draw(st.booleans()):
        block = dataset.private_block(0x0019, "QUAVORZIBLEK", create=True)
        block.add_new(1, "LO", OTHER)
    return dataset


@st.composite
def objects(draw):
    """Draw a data set that can be scrubbed: patient and UIDs present."""
    dataset = draw(datasets())
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.1", "1.2.3.2", "1.2.3.3"
    dataset.PatientID, dataset.PatientName = "4711", f"{SECRET}^Jo"
    return dataset


def _scrub(source, profile=STRICT):
    return scrub_header(source, profile=profile, identities=IDENTITIES, patient_domain="A", node_name="n")


def _written(dataset):
    buffer = io.BytesIO()
    write_part10_to(buffer, dataset, "1.2.840.10008.1.2.1")
    return buffer.getvalue()


def _outline(dataset):
    """Return tag, VR and emptiness of every element, and the values that a second scrub has no reason to change."""
    outline = []
    for element in dataset:
        if element.VR == "SQ":
            content = [_outline(item) for item in element.value]
        elif element.VR in ("UI", "DA", "DT") or element.tag in (0x00100010, 0x00100020, *NUMBERS):
            content = element.is_empty
        elif str(element.value).startswith("LAYER "):
            content = "a keyed label"
        else:
            content = element.value
        outline.append((int(element.tag), element.VR, content))
    return outline


@given(objects())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_planted_anywhere_is_gone_and_the_source_is_untouched(source):
    """Any text attribute of the dictionary, any depth, private or not."""
    before = copy.deepcopy(source)

    result = _scrub(source)

    assert find_planted(_written(result.dataset), [SECRET, OTHER, "1.2.826.0.1.99"]) == []
    assert result.identifiers.in_dataset(result.dataset) == ()
    assert source == before


@given(objects(), st.sampled_from([STRICT, RESEARCH]))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_scrubbing_twice_is_scrubbing_once(source, profile):
    """The same elements with the same values; only UIDs, dates, numbers and the pseudonym are derived once more."""
    once = _scrub(source, profile).dataset

    twice = _scrub(once, profile).dataset

    assert _outline(twice) == _outline(once)


@given(objects(), objects())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_two_processes_agree_on_every_uid_in_any_order(first, second):
    """Nothing but key, project and source UID decides."""
    here = [_written(_scrub(source).dataset) for source in (first, second)]
    again = Identities(bytes(range(32)), "p")

    there = [
        _written(scrub_header(source, profile=STRICT, identities=again, patient_domain="A", node_name="n").dataset)
        for source in (second, first)
    ]

    assert here == there[::-1]
