"""The kinds of objects of the demonstration, before a patient is written into them.

Rule of the file: pixels and image description only. Real images come out of the installed pydicom package, which
ships them as test files; nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    ComputedRadiographyImageStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    RLELossless,
    SecondaryCaptureImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from tools.demo.header import new_object
from tools.demo.radiograph import chest
from tools.demo.screens import ABDOMEN, HEART, captured_page, ultrasound_clip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tools.demo.burning import Line

_PAGE_HEADER_ROWS = 84
_COLOUR_NDIM = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An object whose pixels are still an array, so that text can be burned into them.

    Parameters
    ----------
    frames
        (frame, row, column) or (frame, row, column, RGB), stored values.
    lettering
        Which lines belong on it, see `worklist`.
    ink
        Stored value of the letters.
    """

    dataset: FileDataset
    frames: NDArray[Any]
    lettering: str
    ink: int
    compressed: bool = False

    def level(self, line: Line) -> int:
        """Return the stored value with which a line is written: dark on the light part of a captured page."""
        return 24 if self.lettering == "page" and line.baseline > _PAGE_HEADER_ROWS else self.ink

    def finish(self) -> FileDataset:
        """Write the frames into the object and return it."""
        dataset, frames = self.dataset, self.frames
        if self.lettering == "none":
            return dataset
        dataset.Rows, dataset.Columns = frames.shape[1:3]
        if len(frames) > 1:
            dataset.NumberOfFrames = len(frames)
        if frames.ndim == _COLOUR_NDIM:
            dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.add_new("PixelData", "OB" if frames.itemsize == 1 else "OW", frames.tobytes())
        if self.compressed:
            dataset.compress(RLELossless, generate_instance_uid=False)
        return dataset


def real_heart_clip() -> Drawn:
    """Load an apical view, 30 frames of 240 by 320, colour; JPEG in the file, decoded here."""
    return _real("examples_ybr_color.dcm", "scanner", ink=235)


def real_lymph_node() -> Drawn:
    """Load a power Doppler still of 480 by 640, colour; it has another machine's words on it already."""
    return _real("examples_jpeg2k.dcm", "foot", ink=255)


def real_mr() -> Drawn:
    """Load an abdominal slice of 300 by 484 with an overlay plane."""
    drawn = _real("examples_overlay.dcm", "corner", ink=0)
    return Drawn(dataset=drawn.dataset, frames=drawn.frames, lettering="corner", ink=int(drawn.frames.max()))


def real_ct() -> Drawn:
    """Load a slice of 128 by 128 whose pixels stay as they are in the file."""
    return _real("CT_small.dcm", "none", ink=0)


def _real(name: str, lettering: str, *, ink: int) -> Drawn:
    path = get_testdata_file(name, download=False)
    dataset = dcmread(str(path))
    frames = dataset.pixel_array.copy()
    single = int(dataset.get("NumberOfFrames", 1) or 1) == 1
    return Drawn(dataset=dataset, frames=frames[None] if single else frames, lettering=lettering, ink=ink)


def drawn_heart_clip() -> Drawn:
    """Draw a cardiac clip of 12 frames."""
    dataset = _ultrasound()
    return Drawn(dataset=dataset, frames=ultrasound_clip(HEART, 12), lettering="scanner", ink=240)


def drawn_abdomen_clip() -> Drawn:
    """Draw an abdominal clip of 9 frames, RLE compressed; a name is typed over the tissue of some frames."""
    dataset = _ultrasound()
    return Drawn(dataset=dataset, frames=ultrasound_clip(ABDOMEN, 9), lettering="typed", ink=240, compressed=True)


def _ultrasound() -> FileDataset:
    dataset = new_object(UltrasoundMultiFrameImageStorage, "US")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    dataset.UltrasoundColorDataPresent = 0
    dataset.FrameTime = "33.3"
    dataset.FrameIncrementPointer = 0x00181063
    dataset.LossyImageCompression = "00"
    dataset.PatientOrientation = ""
    _bits(dataset, allocated=8, stored=8)
    return dataset


def drawn_page() -> Drawn:
    """Draw a captured page of 520 by 760, full of words."""
    dataset = new_object(SecondaryCaptureImageStorage, "OT")
    dataset.ConversionType = "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = ""
    _bits(dataset, allocated=8, stored=8)
    return Drawn(dataset=dataset, frames=captured_page(), lettering="page", ink=245)


def drawn_chest() -> Drawn:
    """Draw a radiograph of 720 by 640, 12 bits of 16."""
    dataset = new_object(ComputedRadiographyImageStorage, "CR")
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.BodyPartExamined, dataset.ViewPosition = "CHEST", "PA"
    dataset.PatientOrientation = ["L", "F"]
    dataset.KVP, dataset.PlateID = "", ""
    dataset.ImagerPixelSpacing = ["0.5", "0.5"]
    dataset.WindowCenter, dataset.WindowWidth = "2048", "4096"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    _bits(dataset, allocated=16, stored=12)
    return Drawn(dataset=dataset, frames=chest(), lettering="film", ink=4000)


def _bits(dataset: Dataset, *, allocated: int, stored: int) -> None:
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = allocated, stored, stored - 1
    dataset.PixelRepresentation = 0


def report(finding: str) -> FileDataset:
    """Make a structured report with one sentence of text."""
    dataset = new_object(BasicTextSRStorage, "SR")
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ConceptNameCodeSequence = Sequence([_code("18748-4", "LN", "Diagnostic imaging report")])
    dataset.PerformedProcedureCodeSequence = Sequence([])
    dataset.ReferencedPerformedProcedureStepSequence = Sequence([])
    text = Dataset()
    text.RelationshipType, text.ValueType, text.TextValue = "CONTAINS", "TEXT", finding
    text.ConceptNameCodeSequence = Sequence([_code("121071", "DCM", "Finding")])
    dataset.ContentSequence = Sequence([text])
    return dataset


def document(words: str) -> FileDataset:
    """Make an encapsulated PDF that says some words."""
    dataset = new_object(EncapsulatedPDFStorage, "DOC")
    dataset.ConversionType, dataset.BurnedInAnnotation, dataset.DocumentTitle = "WSD", "YES", "Letter"
    dataset.ConceptNameCodeSequence = Sequence([])
    content = b"%PDF-1.4\n% " + words.encode() + b"\n%%EOF\n"
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = len(content)
    dataset.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return dataset


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
