"""Header tests: the smallest object that can be scrubbed, and the ways into and out of a file."""

import io

import pydicom
from pydicom.dataset import Dataset

from pipeline.header.container import write_part10_to
from pipeline.header.identity import Identities
from pipeline.header.scrub import scrub_header
from tests.factories.profiles import RESEARCH

IDENTITIES = Identities(bytes(range(32)), "echo")


def scrubbed(source, profile=RESEARCH, identities=IDENTITIES, domain="A"):
    """Scrub with the usual surroundings."""
    return scrub_header(source, profile=profile, identities=identities, patient_domain=domain, node_name="clinical")


def written(dataset, syntax="1.2.840.10008.1.2.1"):
    """Return the bytes of a Part 10 file."""
    buffer = io.BytesIO()
    write_part10_to(buffer, dataset, syntax)
    return buffer.getvalue()


def reread(dataset, **how):
    """Return a data set as it comes back from a file."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True, **how)
    buffer.seek(0)
    return pydicom.dcmread(buffer)


def minimal(**attributes):
    """Return the smallest data set that can be scrubbed, with these attributes."""
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = "1.2.3.1"
    dataset.StudyInstanceUID = "1.2.3.2"
    dataset.SeriesInstanceUID = "1.2.3.3"
    dataset.PatientID = "4711"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset
