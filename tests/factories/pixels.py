"""Images made for tests: objects of any class, syntax and photometric interpretation, and eyes that need no weights."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from config.schema import ModelsConfig, Profile
from pipeline.deidentify import Deidentifier
from pipeline.records import ReceivedInstance
from tests.factories.profiles import RESEARCH

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

US_CLIP = "1.2.840.10008.5.1.4.1.1.3.1"
US_IMAGE = "1.2.840.10008.5.1.4.1.1.6.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
PATIENT_ID = "PID-4711-QX"
KEY = bytes(range(32))


def image_header(frames: NDArray[Any], *, sop_class: str, photometric: str, **attributes: Any) -> Dataset:
    """Return a data set that describes (frames, rows, columns[, 3]) without carrying them."""
    ds = Dataset()
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.55.1.3"
    ds.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.55.1.1"
    ds.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.55.1.2"
    ds.PatientID = PATIENT_ID
    ds.PatientName = "Vorzibmurdax^Quatyn"
    ds.Modality = "US"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SamplesPerPixel = 3 if frames.ndim == 4 else 1
    ds.PhotometricInterpretation = photometric
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = frames.shape[1:3]
    ds.NumberOfFrames = len(frames)
    ds.BitsAllocated = ds.BitsStored = frames.dtype.itemsize * 8
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(frames.dtype.kind == "i")
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def save_image(
    path: Path,
    frames: NDArray[Any],
    *,
    sop_class: str = US_CLIP,
    photometric: str = "MONOCHROME2",
    syntax: str = ExplicitVRLittleEndian,
    pixel_bytes: bytes | None = None,
    **attributes: Any,
) -> Path:
    """Write (frames, rows, columns[, 3]) as a Part 10 file; JPEG Baseline by imagecodecs, other codecs by pydicom."""
    ds = image_header(frames, sop_class=sop_class, photometric=photometric, **attributes)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if syntax == JPEG_BASELINE:
        colour = "YCBCR" if photometric.startswith("YBR") else None
        ds.PixelData = encapsulated(
            [
                imagecodecs.jpeg_encode(frame, level=90, colorspace="RGB" if colour else None, outcolorspace=colour)
                for frame in frames
            ]
        )
        ds["PixelData"].VR = "OB"
        ds.file_meta.TransferSyntaxUID = UID(syntax)
    else:
        data = frames.tobytes() if pixel_bytes is None else pixel_bytes
        ds.PixelData = data + b"\0" * (len(data) % 2)
        ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
        if UID(syntax).is_compressed:
            ds.compress(UID(syntax), generate_instance_uid=False)
        else:
            ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.save_as(path, enforce_file_format=True)
    return path


def encapsulated(codestreams: list[bytes], *, table: bool = False) -> bytes:
    """Return items of one fragment a frame behind a Basic Offset Table, empty or not, without a closing delimiter."""
    padded = [codestream + b"\0" * (len(codestream) % 2) for codestream in codestreams]
    items = [struct.pack("<LL", 0xE000FFFE, len(codestream)) + codestream for codestream in padded]
    offsets = [sum(map(len, items[:at])) for at in range(len(items))] if table else []
    start = struct.pack(f"<LL{len(offsets)}L", 0xE000FFFE, 4 * len(offsets), *offsets)
    return start + b"".join(items)


def speckle(frames: int = 1, rows: int = 160, columns: int = 240, seed: int = 0) -> NDArray[np.uint8]:
    """Return (frames, rows, columns) of dark noise that changes in every frame; nothing in it is above 120."""
    noise = np.random.default_rng(seed).gamma(2.0, 15.0, size=(frames, rows, columns))
    smooth = np.stack([cv2.GaussianBlur(frame, (5, 5), 0) for frame in noise])
    return np.clip(smooth, 0, 120).astype(np.uint8)


def moving_within(mask: NDArray[np.bool_], frames: int = 5, seed: int = 0) -> NDArray[np.uint8]:
    """Return a clip (frames, rows, columns) like a screen: speckle inside the mask, what stands still outside it."""
    moving = speckle(frames, *mask.shape, seed=seed) + np.uint8(10)
    return np.where(mask, moving, moving[:1])


def burn(frame: NDArray[Any], text: str, left: int, bottom: int, *, value: int = 255, scale: float = 0.6) -> None:
    """Burn text into a frame, in place, its baseline at `bottom`."""
    colour = (value,) * (frame.shape[2] if frame.ndim == 3 else 1)
    cv2.putText(frame, text, (left, bottom), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A region, as a reader of ours gives it."""

    left: int
    top: int
    right: int
    bottom: int
    text: str
    confidence: float


class WhiteReader:
    """Takes every blob of nearly white pixels for text that reads `text`; the strict look takes greyer ones too.

    Parameters
    ----------
    strict_level
        Brightness from which the strict look sees a blob.
    """

    def __init__(self, text: str = "NAME", *, level: int = 250, strict_level: int = 250) -> None:
        self.text, self.level, self.strict_level = text, level, strict_level
        self.looks = 0

    def read(self, image: NDArray[np.uint8], *, strict: bool, frame: tuple[int, int] | None = None) -> tuple[Seen, ...]:
        """Find the blobs."""
        self.looks += 1
        grey = image if image.ndim == 2 else image.min(axis=2)
        bright = (grey >= (self.strict_level if strict else self.level)).astype(np.uint8)
        _, _, boxes, _ = cv2.connectedComponentsWithStats(cv2.dilate(bright, np.ones((3, 5), np.uint8)))
        return tuple(
            Seen(left=int(x), top=int(y), right=int(x + w), bottom=int(y + h), text=self.text, confidence=0.9)
            for x, y, w, h, _ in boxes[1:]
        )


class BlindReader:
    """Never sees text."""

    def read(self, image: NDArray[np.uint8], *, strict: bool, frame: tuple[int, int] | None = None) -> tuple[Seen, ...]:
        """Find nothing."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCone:
    """A cone of our own: the same mask for every frame."""

    mask: NDArray[np.bool_]
    confidence: float

    def segment(self, image: NDArray[np.uint8]) -> FixedCone:
        """Return itself."""
        assert image.shape[:2] == self.mask.shape
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """Opened models."""

    text: Any
    cone: Any
    sha256: dict[str, str]


def deidentifier(
    *, reader: Any, cone: FixedCone | None = None, profile: Profile = RESEARCH, opener: Callable[..., Any] | None = None
) -> Deidentifier:
    """Return a Deidentifier that looks with the given eyes."""
    eyes = Eyes(text=reader, cone=cone, sha256={"eyes": "0" * 64})
    return Deidentifier(
        profile=profile,
        key=KEY,
        project="test",
        models_config=ModelsConfig(),
        opener=opener or (lambda config, *, text, cone: eyes),
    )


def received(path: Path) -> ReceivedInstance:
    """Return the record of a file that came in."""
    return ReceivedInstance(path=path, patient_domain="HOSPITAL", node_name="clinical", size_bytes=path.stat().st_size)
