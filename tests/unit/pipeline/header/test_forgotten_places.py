"""Identifiers in the places that tables forget: planted at the top and twelve items deep, searched for as bytes."""

import io

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.factories.headers import minimal, scrubbed, written
from tests.factories.profiles import RESEARCH, STRICT
from tests.factories.raw import Raw, image
from tests.factories.search import find_planted

WORD, NUMBER, UID = "Quatynlekpho", "58 1930 2746", "1.2.826.0.1.3680043.8.498.4711.9"
PLANTED = (WORD, NUMBER, UID)
NAME = "Vorzibmurdax"


def item(**attributes):
    """Return an item with planted identifiers and these attributes."""
    result = Dataset()
    result.PatientName, result.PatientID, result.PatientBirthDate = f"{WORD}^Jo", NUMBER, "19560304"
    for keyword, value in attributes.items():
        setattr(result, keyword, value)
    return result


def instance(uid=UID):
    """Return a reference."""
    result = Dataset()
    result.ReferencedSOPClassUID, result.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", uid
    return result


def person():
    """Return an identified person."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = NUMBER[:16], f"99{WORD}", WORD
    return item(PersonIdentificationCodeSequence=Sequence([code]), InstitutionName=WORD, PersonAddress=WORD)


SEQUENCES = {
    "OriginalAttributesSequence": lambda: item(
        ModifiedAttributesSequence=Sequence([item()]),
        NonconformingModifiedAttributesSequence=Sequence([item(NonconformingDataElementValue=WORD.encode())]),
        ModifyingSystem=WORD,
        SourceOfPreviousValues=WORD,
        ReasonForTheAttributeModification="COERCE",
    ),
    "ModifiedAttributesSequence": item,
    "DigitalSignaturesSequence": lambda: item(Signature=WORD.encode(), CertificateOfSigner=WORD.encode()),
    "MACParametersSequence": lambda: item(MACIDNumber=1, MACAlgorithm="SHA256", DataElementsSigned=[0x00100010]),
    "EncryptedAttributesSequence": lambda: item(EncryptedContent=WORD.encode(), EncryptedContentTransferSyntaxUID=UID),
    "ContributingEquipmentSequence": lambda: item(
        Manufacturer=WORD,
        ManufacturerModelName=f"Model {NUMBER}",
        InstitutionName=WORD,
        InstitutionAddress=WORD,
        StationName=WORD,
        DeviceSerialNumber=NUMBER,
        OperatorsName=WORD,
        OperatorIdentificationSequence=Sequence([person()]),
        ContributionDescription=WORD,
        InstitutionalDepartmentName=WORD,
        DeviceUID=UID,
    ),
    "ReferringPhysicianIdentificationSequence": person,
    "OperatorIdentificationSequence": person,
    "ContentCreatorIdentificationCodeSequence": person,
    "HL7StructuredDocumentReferenceSequence": lambda: item(HL7InstanceIdentifier=f"{UID}^{WORD}", RetrieveURI=WORD),
    "ConversionSourceAttributesSequence": lambda: item(ReferencedSOPInstanceUID=UID, ReferencedFrameNumber="1"),
    "ReferencedPatientSequence": instance,
    "ReferencedStudySequence": instance,
    "ReferencedPerformedProcedureStepSequence": instance,
    "ReferencedImageSequence": instance,
    "SourceImageSequence": instance,
    "ReferencedPatientAliasSequence": instance,
    "RequestAttributesSequence": lambda: item(
        RequestedProcedureID=NUMBER[:16],
        ScheduledProcedureStepID=NUMBER[:16],
        AccessionNumber=NUMBER[:16],
        RequestedProcedureDescription=WORD,
        ReasonForTheRequestedProcedure=WORD,
        RequestingPhysician=WORD,
        StudyInstanceUID=UID,
    ),
    "PerformedProtocolCodeSequence": lambda: item(CodeValue="X1", CodingSchemeDesignator=f"99{WORD}", CodeMeaning=WORD),
    "IconImageSequence": lambda: item(Rows=4, Columns=6, BitsAllocated=8, PixelData=WORD.encode() * 2),
    "DirectoryRecordSequence": lambda: item(ReferencedFileID=WORD.upper(), IconImageSequence=Sequence([item()])),
    "OtherPatientIDsSequence": item,
    "PatientSpeciesCodeSequence": item,
    "BreedRegistrationSequence": lambda: item(BreedRegistrationNumber=NUMBER),
    "SpecimenDescriptionSequence": lambda: item(
        SpecimenIdentifier=NUMBER, SpecimenUID=UID, SpecimenShortDescription=WORD
    ),
    "ReferencedInstanceSequence": instance,
    "PertinentOtherEvidenceSequence": lambda: item(StudyInstanceUID=UID),
    "PatientInsurancePlanCodeSequence": lambda: item(CodeValue="X1", CodingSchemeDesignator="99X", CodeMeaning=WORD),
    "AdmittingDiagnosesCodeSequence": lambda: item(CodeValue="X1", CodingSchemeDesignator="99X", CodeMeaning=WORD),
    "ReferencedDefinedProtocolSequence": instance,
    "AcquisitionContextSequence": lambda: item(TextValue=WORD, ValueType="TEXT"),
}
TEXTS = {
    "PatientBirthDateInAlternativeCalendar": "1376/12/13",
    "PatientDeathDateInAlternativeCalendar": "1440/01/02",
    "PatientAlternativeCalendar": "HIJRI",
    "Occupation": WORD,
    "EthnicGroup": WORD,
    "Manufacturer": WORD,
    "ManufacturerModelName": WORD,
    "SoftwareVersions": [WORD, f"{WORD} 2"],
    "DocumentTitle": WORD,
    "ContentDescription": WORD,
    "ContentLabel": WORD.upper(),
    "LUTExplanation": WORD,
    "WindowCenterWidthExplanation": ["NORMAL", WORD],
    "RescaleType": WORD,
    "ModalityLUTType": WORD,
    "AcquisitionProtocolName": WORD,
    "DeviceID": WORD,
    "GridID": WORD,
    "NTPSourceAddress": "10.20.30.44",
    "ScheduledProcedureStepID": NUMBER[:16],
    "PerformedProcedureStepID": NUMBER[:16],
    "PerformedProcedureStepDescription": WORD,
    "DeidentificationMethod": WORD,
    "StorageMediaFileSetID": WORD.upper(),
    "ImageComments": WORD,
    "PixelSpacingCalibrationDescription": WORD,
    "ReceiveCoilName": WORD[:16],
    "SequenceName": WORD[:16],
    "InstanceCoercionDateTime": "20230417101530.123456+0200",
}


def nested(dataset, depth):
    """Put a data set so many items deep."""
    for _ in range(depth):
        outer = Dataset()
        outer.ReferencedImageSequence = Sequence([dataset])
        dataset = outer
    return dataset


def reread(dataset, syntax):
    """Return a data set as it comes from a file."""
    buffer = io.BytesIO()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    little = syntax != ExplicitVRBigEndian
    pydicom.dcmwrite(
        buffer, dataset, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=little, enforce_file_format=True
    )
    buffer.seek(0)
    return pydicom.dcmread(buffer)


def left_over(attributes, depth, profile, syntax=ExplicitVRLittleEndian):
    """Return what is found of the planted identifiers, and the result."""
    source = minimal()
    target = Dataset() if depth else source
    for keyword, value in attributes.items():
        setattr(target, keyword, value)
    if depth:
        source.SourceImageSequence = Sequence([nested(target, depth - 1)])
    source.PatientID = NUMBER
    before = reread(source, syntax)
    result = scrubbed(before, profile).dataset
    raw = written(result)
    texts = [text for value in attributes.values() for text in (value if isinstance(value, list) else [value])]
    planted = [str(text) for text in texts if isinstance(text, str) and text not in HARMLESS]
    return find_planted(raw, [*PLANTED, "19560304", *planted]), result


HARMLESS = {"ORIGINAL", "PRIMARY", "NONE", "NORMAL"}


@pytest.mark.parametrize("profile", [STRICT, RESEARCH], ids=["strict", "research"])
@pytest.mark.parametrize("depth", [0, 1, 12])
@pytest.mark.parametrize("keyword", SEQUENCES)
def test_sequences_give_nothing_away(keyword, depth, profile):
    """Whatever the sequence is for, and wherever it stands."""
    found, _ = left_over({keyword: Sequence([SEQUENCES[keyword]()])}, depth, profile)

    assert found == []


@pytest.mark.parametrize("profile", [STRICT, RESEARCH], ids=["strict", "research"])
@pytest.mark.parametrize("depth", [0, 12])
@pytest.mark.parametrize("keyword", TEXTS)
def test_texts_give_nothing_away(keyword, depth, profile):
    """Elements that no table names, and those that look technical."""
    found, result = left_over({keyword: TEXTS[keyword]}, depth, profile)

    assert found == []
    assert result.DeidentificationMethod[0].startswith("Sonoveil")


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("keyword", SEQUENCES)
def test_another_encoding_gives_nothing_away_either(keyword, syntax):
    """Implicit VR and big endian."""
    assert left_over({keyword: Sequence([SEQUENCES[keyword]()])}, 2, RESEARCH, syntax)[0] == []


@pytest.mark.parametrize(
    "keyword",
    [
        "OriginalAttributesSequence",
        "DigitalSignaturesSequence",
        "MACParametersSequence",
        "EncryptedAttributesSequence",
        "IconImageSequence",
        "HL7StructuredDocumentReferenceSequence",
        "DirectoryRecordSequence",
    ],
)
def test_some_sequences_go_whole(keyword):
    """Half a signature, half an icon and half a reference are worth nothing."""
    _found, result = left_over({keyword: Sequence([SEQUENCES[keyword]()])}, 0, RESEARCH)

    assert keyword not in result


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("LUTExplanation", "NORMAL"),
        ("WindowCenterWidthExplanation", ["WINDOW1", "ALGO2"]),
        ("WindowCenterWidthExplanation", ["BONE", "LUNG"]),
        ("RescaleType", "HU"),
        ("RescaleType", "Z_EFF"),
        ("ModalityLUTType", "OD"),
        ("ContentLabel", "MEASUREMENT_1"),
        ("FrameType", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
    ],
)
def test_terms_of_the_standard_stay(keyword, value):
    """They are what the researcher needs them for."""
    _found, result = left_over({keyword: value}, 0, STRICT)

    assert result[keyword].value == value


def test_what_must_not_be_empty_says_that_it_is_unspecified():
    """Rescale Type and Modality LUT Type are Type 1."""
    _found, result = left_over({"RescaleType": WORD, "ModalityLUTType": WORD}, 0, STRICT)

    assert (result.RescaleType, result.ModalityLUTType) == ("US", "US")


def test_overlays_and_curves_go_with_their_labels():
    """60xx and 50xx: description, label, comments, data, in every group."""
    source = minimal(PatientName=NAME)
    for group in (0x6000, 0x6002, 0x601E, 0x5000, 0x5006):
        source.add_new(group << 16 | 0x0022, "LO", WORD)
        source.add_new(group << 16 | 0x1500, "LO", WORD)
        source.add_new(group << 16 | 0x4000, "LT", WORD)
        source.add_new(group << 16 | 0x3000, "OW", WORD.encode())

    result = scrubbed(source).dataset

    assert find_planted(written(result), [WORD]) == []
    assert not [tag for tag in result.keys() if tag.group >> 8 in (0x50, 0x60)]  # noqa: SIM118  elements


NUMBERS = {
    0x00280106: ("US", 2),
    0x00189306: ("FD", 8),
    0x00186024: ("SL", 4),
    0x00720052: ("AT", 4),
    0x00186022: ("UL", 4),
    0x56000020: ("OF", 4),
    0x00660016: ("OF", 4),
    0x00281408: ("OW", 2),
    0x00209165: ("AT", 4),
    0x00181063: ("DS", 1),
    0x00200013: ("IS", 1),
    0x00101010: ("AS", 1),
    0x00080030: ("TM", 1),
    0x0008002A: ("DT", 1),
}


@pytest.mark.parametrize("tag", NUMBERS)
@pytest.mark.parametrize("encoding", ["explicit", "implicit", "big"])
def test_numbers_that_are_the_name_in_ascii_go(tag, encoding):
    """Every kind of number and of time, in every byte order: the bytes of the name are in nothing that leaves."""
    vr, width = NUMBERS[tag]
    name = NAME * 2
    before = Raw(encoding).element(tag, vr, name.encode()[: len(name) // width * width]).bytes
    source = pydicom.dcmread(io.BytesIO(image(encoding, before, patient=f"{name}^Jo ".encode())))
    del source.PixelData

    assert find_planted(written(scrubbed(source).dataset), [NAME]) == []
