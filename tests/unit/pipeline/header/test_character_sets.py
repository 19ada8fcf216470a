"""Names in every character set that pydicom brings files for: decoded, compared, gone, and what stays is Unicode."""

import io
import warnings
from pathlib import Path

import pydicom
import pytest

from pipeline.header.container import write_part10_to
from pipeline.header.identity import Identities
from pipeline.header.scrub import scrub_header
from tests.factories.planted import find_planted
from tests.factories.profiles import STRICT

FILES = sorted((Path(pydicom.__file__).parent / "data" / "charset_files").glob("*.dcm"))


def completed(path):
    """Return the file as an object that can be scrubbed; the name once more where no table looks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = pydicom.dcmread(path, force=True)
        name = str(source.get("PatientName", ""))
        source.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
        source.SOPInstanceUID, source.StudyInstanceUID, source.SeriesInstanceUID = "1.2.3.1", "1.2.3.2", "1.2.3.3"
        source.PatientID = "4711"
        if source.get("SpecificCharacterSet") is not None:
            source.ManufacturerModelName = f"of {name}"[:64].replace("\\", " ")
    return source, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_name_in_any_character_set_is_gone(path):
    """In the table and outside it, as bytes of any charset."""
    source, name = completed(path)
    parts = [part for part in name.replace("=", "^").split("^") if len(part) >= 2 and not part.isspace()]

    result = scrub_header(
        source, profile=STRICT, identities=Identities(bytes(32), "p"), patient_domain="A", node_name="n"
    )
    buffer = io.BytesIO()
    write_part10_to(buffer, result.dataset, "1.2.840.10008.1.2.1")

    assert find_planted(buffer.getvalue(), parts) == []
    assert result.identifiers.in_dataset(result.dataset) == ()


def test_there_are_files_to_look_at():
    """A list that became empty would prove nothing."""
    assert len(FILES) >= 15
