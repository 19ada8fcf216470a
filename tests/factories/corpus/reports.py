"""Structured reports, key object selections, presentation states, encapsulated documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories.corpus.elements import code, dcm, fill, item, sct
from tests.factories.corpus.kind import Kind
from tests.factories.corpus.outside import icc_profile
from tests.factories.corpus.patient import image_reference
from tests.factories.corpus.plants import Place

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from tests.factories.corpus.patient import Shared
    from tests.factories.corpus.plants import Plants

_CONTENT = "SR content"


def _content(value_type: str, concept: Dataset, *, relationship: str = "CONTAINS", **value: object) -> Dataset:
    return item(RelationshipType=relationship, ValueType=value_type, ConceptNameCodeSequence=[concept], **value)


def _observers(shared: Shared, plants: Plants) -> list[Dataset]:
    """Return who looked and at whom, by the codes of Table E.3.4-1 (TID 1003, 1004, 1007)."""
    told = plants.in_table
    return [
        _content(
            "PNAME",
            code("121008", "DCM", "Person Observer Name"),
            relationship="HAS OBS CONTEXT",
            PersonName=f"{told('SR person observer')}^O",
        ),
        _content(
            "TEXT",
            code("121009", "DCM", "Person Observer's Organization Name"),
            relationship="HAS OBS CONTEXT",
            TextValue=told("SR organisation"),
        ),
        _content(
            "UIDREF",
            code("121012", "DCM", "Device Observer UID"),
            relationship="HAS OBS CONTEXT",
            UID=plants.instance_uid("SR device observer"),
        ),
        _content(
            "TEXT",
            code("121013", "DCM", "Device Observer Name"),
            relationship="HAS OBS CONTEXT",
            TextValue=told("SR device observer"),
        ),
        _content(
            "PNAME",
            code("121029", "DCM", "Subject Name"),
            relationship="HAS OBS CONTEXT",
            PersonName=f"{shared.family}^{shared.given}",
        ),
        _content(
            "TEXT", code("121030", "DCM", "Subject ID"), relationship="HAS OBS CONTEXT", TextValue=shared.patient_id
        ),
        _content(
            "DATE", code("121031", "DCM", "Subject Birth Date"), relationship="HAS OBS CONTEXT", Date=shared.birth_date
        ),
    ]


def _number(concept: Dataset, value: str, unit: Dataset, relationship: str = "CONTAINS") -> Dataset:
    measured = item(NumericValue=value, MeasurementUnitsCodeSequence=[unit])
    return _content("NUM", concept, relationship=relationship, MeasuredValueSequence=[measured])


def _findings(shared: Shared, plants: Plants) -> list[Dataset]:
    told = plants.in_table
    text = _content("TEXT", code("121071", "DCM", "Finding"), TextValue=f"{told(_CONTENT)} has a nodule of the lung")
    coded = _content(
        "CODE",
        code("121071", "DCM", "Finding"),
        ConceptCodeSequence=[code("27925004", "SCT", f"Nodule of {plants.outside('SR Code Meaning')}")],
    )
    image = item(RelationshipType="CONTAINS", ValueType="IMAGE")
    image.ReferencedSOPSequence = [image_reference(shared, plants, "SR image reference")]
    return [text, coded, image]


def _age_in(plants: Plants) -> Dataset:
    """Return an age over 89 as a number, where PatientAge is not looked at (TID 1007)."""
    plants.planted("97.125", Place.TABLE, "age over 89 in SR")
    return _number(code("121033", "DCM", "Subject Age"), "97.125", code("a", "UCUM", "year"), "HAS OBS CONTEXT")


def _report(dataset: Dataset, shared: Shared, plants: Plants, *, rich: bool = True) -> None:
    fill(
        dataset,
        ContentDate="20190311",
        ContentTime="101610",
        ValueType="CONTAINER",
        ContinuityOfContent="SEPARATE",
        CompletionFlag="COMPLETE",
        VerificationFlag="VERIFIED",
        VerifyingObserverSequence=[
            item(
                VerifyingObserverName=f"{plants.in_table('Verifying Observer Sequence')}^V",
                VerifyingOrganization=plants.in_table("Verifying Observer Sequence"),
                VerificationDateTime="20190311120000",
                VerifyingObserverIdentificationCodeSequence=[
                    code(
                        plants.digits("Verifying Observer Sequence"),
                        "99LOCAL",
                        plants.in_table("Verifying Observer Sequence"),
                    )
                ],
            )
        ],
        AuthorObserverSequence=[
            item(
                ObserverType="PSN",
                PersonName=f"{plants.in_table('Author Observer Sequence')}^A",
                PersonIdentificationCodeSequence=[
                    code(
                        plants.digits("Author Observer Sequence"),
                        "99LOCAL",
                        plants.in_table("Author Observer Sequence"),
                    )
                ],
                InstitutionName=plants.in_table("Author Observer Sequence"),
                InstitutionCodeSequence=[],
            )
        ],
        ConceptNameCodeSequence=dcm("126000", "Imaging Measurement Report"),
        PerformedProcedureCodeSequence=[],
        ReferencedPerformedProcedureStepSequence=[],
        CurrentRequestedProcedureEvidenceSequence=[_evidence(shared, plants)],
        ContentSequence=[*_observers(shared, plants), *_findings(shared, plants)],
    )
    if rich:
        dataset.ContentSequence.insert(7, _age_in(plants))


def _basic(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _report(dataset, shared, plants, rich=False)


def _dose(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _report(dataset, shared, plants)
    events = _content("CONTAINER", code("113819", "DCM", "CT Acquisition"), ContinuityOfContent="SEPARATE")
    events.ContentSequence = [
        _content(
            "UIDREF", code("113769", "DCM", "Irradiation Event UID"), UID=plants.instance_uid("SR irradiation event")
        ),
        _content(
            "TEXT",
            code("125203", "DCM", "Acquisition Protocol"),
            TextValue=f"for {plants.in_table('SR acquisition protocol')}",
        ),
        _content("TEXT", code("121106", "DCM", "Comment"), TextValue=f"told by {plants.in_table('SR comment')}"),
        _number(code("113830", "DCM", "Mean CTDIvol"), "7.5", code("mGy", "UCUM", "mGy")),
    ]
    fill(dataset, ConceptNameCodeSequence=dcm("113701", "X-Ray Radiation Dose Report"))
    dataset.ContentSequence.append(events)


def _evidence(shared: Shared, plants: Plants) -> Dataset:
    image = image_reference(shared, plants, "Current Requested Procedure Evidence Sequence")
    series = item(SeriesInstanceUID=shared.study.series("CT"), ReferencedSOPSequence=[image])
    plants.planted(shared.study.series("CT"), Place.UID, "Current Requested Procedure Evidence Sequence")
    return item(StudyInstanceUID=shared.study.uid, ReferencedSeriesSequence=[series])


def _key_objects(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    described = _content(
        "TEXT", code("113012", "DCM", "Key Object Description"), TextValue=f"for {plants.in_table(_CONTENT)}"
    )
    image = item(RelationshipType="CONTAINS", ValueType="IMAGE")
    image.ReferencedSOPSequence = [image_reference(shared, plants, "SR image reference")]
    fill(
        dataset,
        ContentDate="20190311",
        ContentTime="101610",
        ValueType="CONTAINER",
        ContinuityOfContent="SEPARATE",
        ConceptNameCodeSequence=dcm("113000", "Of Interest"),
        ReferencedPerformedProcedureStepSequence=[],
        CurrentRequestedProcedureEvidenceSequence=[_evidence(shared, plants)],
        ContentSequence=[described, image],
        ContentTemplateSequence=[item(MappingResource="DCMR", TemplateIdentifier="2010")],
    )


def _presentation(dataset: Dataset, shared: Shared, plants: Plants, *, is_gray: bool = True) -> None:
    image = image_reference(shared, plants, "Referenced Series Sequence")
    uid = plants.planted(shared.study.series("CT"), Place.UID, "Referenced Series Sequence")
    area = item(PresentationSizeMode="SCALE TO FIT", PresentationPixelAspectRatio=["1", "1"])
    fill(area, DisplayedAreaTopLeftHandCorner=[1, 1], DisplayedAreaBottomRightHandCorner=[16, 16])
    layer = item(GraphicLayer="LAYER", GraphicLayerOrder="1")
    layer.GraphicLayerDescription = f"of {plants.outside('Graphic Layer Description')}"
    fill(
        dataset,
        InstanceNumber="1",
        ContentLabel=plants.outside("CS: Content Label").upper(),
        ContentDescription=f"for {plants.outside('Content Description')}",
        ContentCreatorName=f"{plants.in_table('Content Creator Name')}^C",
        PresentationCreationDate="20190311",
        PresentationCreationTime="101010",
        ReferencedSeriesSequence=[item(SeriesInstanceUID=uid, ReferencedImageSequence=[image])],
        DisplayedAreaSelectionSequence=[area],
        GraphicLayerSequence=[layer],
        GraphicAnnotationSequence=[_graphics(plants)],
    )
    if is_gray:
        dataset.PresentationLUTShape = "IDENTITY"


def _graphics(plants: Plants) -> Dataset:
    text = item(
        UnformattedTextValue=f"{plants.in_table('graphic annotation text')} here", AnchorPointAnnotationUnits="PIXEL"
    )
    fill(text, AnchorPoint=[3.0, 4.0], AnchorPointVisibility="N")
    line = item(GraphicAnnotationUnits="PIXEL", GraphicDimensions=2, NumberOfGraphicPoints=2, GraphicType="POLYLINE")
    fill(line, GraphicData=[1.0, 1.0, 5.0, 5.0], GraphicFilled="N")
    return item(GraphicLayer="LAYER", TextObjectSequence=[text], GraphicObjectSequence=[line])


def _colour_presentation(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _presentation(dataset, shared, plants, is_gray=False)
    dataset.ICCProfile = icc_profile(plants.outside("ICC Profile"))


def _document(dataset: Dataset, plants: Plants, mime: str, content: str) -> None:
    fill(
        dataset,
        ContentDate="20190311",
        ContentTime="101610",
        AcquisitionDateTime="20190311101600",
        BurnedInAnnotation="YES",
        ConversionType="WSD",
        DocumentTitle=f"letter about {plants.outside('Document Title')}",
        ConceptNameCodeSequence=[],
        MIMETypeOfEncapsulatedDocument=mime,
        EncapsulatedDocument=(content + " " * (len(content) % 2)).encode(),
    )


def _pdf(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    _document(dataset, plants, "application/pdf", f"%PDF-1.4 ({plants.in_table('encapsulated PDF')}) %%EOF")


def _clinical_document(dataset: Dataset, _shared: Shared, plants: Plants) -> None:
    name = plants.in_table("encapsulated CDA")
    _document(dataset, plants, "text/XML", f"<ClinicalDocument><family>{name}</family></ClinicalDocument>")
    dataset.HL7InstanceIdentifier = f"{plants.instance_uid('HL7 Instance Identifier')}^1"


def _mesh(dataset: Dataset, shared: Shared, plants: Plants) -> None:
    _document(dataset, plants, "model/stl", f"solid {plants.in_table('encapsulated STL')}".ljust(84))
    fill(
        dataset,
        MeasurementUnitsCodeSequence=[code("mm", "UCUM", "mm")],
        ContentDescription=f"for {plants.outside('Content Description')}",
        ConceptNameCodeSequence=sct("39607008", "Lung"),
        SourceInstanceSequence=[image_reference(shared, plants, "Source Instance Sequence")],
    )


REPORTS = (
    Kind(name="SR-BASIC", ending="88.11", modality="SR", write=_basic, in_space=False),
    Kind(name="SR-ENHANCED", ending="88.22", modality="SR", write=_report, in_space=False),
    Kind(name="SR-COMPREHENSIVE", ending="88.33", modality="SR", write=_report, in_space=False),
    Kind(name="SR-DOSE", ending="88.67", modality="SR", write=_dose, in_space=False),
    Kind(name="KOS", ending="88.59", modality="KO", write=_key_objects, in_space=False),
    Kind(name="GSPS", ending="11.1", modality="PR", write=_presentation, in_space=False),
    Kind(name="CSPS", ending="11.2", modality="PR", write=_colour_presentation, in_space=False),
    Kind(name="PDF", ending="104.1", modality="DOC", write=_pdf, in_space=False),
    Kind(name="CDA", ending="104.2", modality="DOC", write=_clinical_document, in_space=False),
    Kind(name="STL", ending="104.3", modality="M3D", write=_mesh),
)
