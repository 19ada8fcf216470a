"""The objects of `benchmarks.clip`: drawn screens, an exposure and slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import get_encoder

from pipeline.frames.syntaxes import SYNTAXES
from pipeline.frames.write import NativePixels, write_instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

ROWS, COLUMNS, LEVEL = 600, 800, 90
EXPOSURE_PX, SLICE_PX = 3000, 512
JPEG, EXPLICIT_LITTLE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1"
PLUGINS = {
    "1.2.840.10008.1.2.5": "pylibjpeg",
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
}
_US_CLIP, _CR, _ENHANCED_CT = (f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("3.1", "1", "2.1"))
_LINES = (
    ("MADE UP 19500101", 20, 40, 0.8),
    ("HOSPITAL NOWHERE", 20, 70, 0.6),
    ("12/03/2001 11:04:09", 560, 40, 0.6),
    ("C5-1 45 Hz 16 cm", 20, 560, 0.5),
    ("MI 1.1 TIs 0.4", 640, 560, 0.5),
)
_CAPTION, _CAPTION_FROM = ("LIVER RT LOBE", 300, 580, 0.6), 2 / 3


def screen_frames(count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield frames of an ultrasound screen, RGB: a cone of moving speckle, text around it, a caption near the end."""
    noise = np.random.default_rng(1)
    cone = np.zeros((ROWS, COLUMNS), np.uint8)
    cv2.ellipse(cone, (400, 40), (480, 480), 0, 50, 130, 1, -1)
    cv2.ellipse(cone, (400, 40), (60, 60), 0, 0, 360, 0, -1)
    tissue = cv2.GaussianBlur(noise.gamma(2.0, 25.0, (ROWS + 2 * count, COLUMNS)), (0, 0), 3)
    for index in range(count):
        grain = cv2.GaussianBlur(noise.gamma(2.0, 25.0, (ROWS, COLUMNS)), (0, 0), 1.2)
        moved = tissue[2 * index : 2 * index + ROWS]
        grey = np.clip(0.5 * moved + 0.5 * grain + 8, 0, 235).astype(np.uint8) * cone
        frame = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
        for text, left, bottom, size in (*_LINES, *((_CAPTION,) if index >= _CAPTION_FROM * count else ())):
            cv2.putText(frame, text, (left, bottom), cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 1, cv2.LINE_AA)
        yield np.asarray(frame, dtype=np.uint8)


def jpeg_of(frame: NDArray[np.uint8]) -> bytes:
    """Return a frame as JPEG Baseline, 4:2:2."""
    return bytes(
        imagecodecs.jpeg_encode(frame, level=LEVEL, colorspace="RGB", outcolorspace="YCBCR", subsampling="422")
    )


def coded(frame: NDArray[Any], syntax_uid: str) -> bytes:
    """Return a frame in a lossless syntax, by the encoder that the pipeline has too."""
    photometric = "RGB" if syntax_uid != "1.2.840.10008.1.2.4.90" else "YBR_RCT"
    options = {"rows": frame.shape[0], "columns": frame.shape[1], "number_of_frames": 1, "samples_per_pixel": 3}
    bits = {"bits_allocated": 8, "bits_stored": 8, "pixel_representation": 0, "planar_configuration": 0}
    return bytes(
        get_encoder(syntax_uid).encode(
            frame,
            encoding_plugin=PLUGINS[syntax_uid],
            photometric_interpretation=photometric,
            **options,
            **bits,
        )
    )


def save_screens(path: Path, count: int, syntax_uid: str) -> None:
    """Write a clip of screens."""
    photometric = {JPEG: "YBR_FULL_422", "1.2.840.10008.1.2.4.90": "YBR_RCT"}.get(syntax_uid, "RGB")
    ds = _header(_US_CLIP, "US", (ROWS, COLUMNS), count, photometric)
    if syntax_uid == EXPLICIT_LITTLE:
        _save_native(path, ds, "OB", ROWS * COLUMNS * 3 * count, (frame.tobytes() for frame in screen_frames(count)))
        return
    frames = screen_frames(count)
    ds.PixelData = encapsulate([jpeg_of(f) if syntax_uid == JPEG else coded(f, syntax_uid) for f in frames])
    ds["PixelData"].VR = "OB"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax_uid)
    ds.save_as(path, enforce_file_format=True)


def save_exposure(path: Path, count: int = 1) -> None:
    """Write a computed radiograph of 3000 x 3000, 12 of 16 bits, with text in two corners."""
    noise = np.random.default_rng(2)
    body = cv2.GaussianBlur(noise.normal(2000, 900, (EXPOSURE_PX, EXPOSURE_PX)), (0, 0), 40) * 8 - 14000
    image = np.clip(body + noise.normal(0, 15, body.shape), 100, 3800).astype(np.uint16)
    letters = np.zeros(image.shape, dtype=np.uint8)
    for text, left, bottom in (("MADE UP 19500101", 60, 120), ("PORTABLE AP 72 kV", 2100, 2920)):
        cv2.putText(letters, text, (left, bottom), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 255, 4, cv2.LINE_AA)
    image = np.maximum(image, letters.astype(np.uint16) * 16)
    ds = _header(_CR, "CR", (EXPOSURE_PX, EXPOSURE_PX), 1, "MONOCHROME2", bits=12)
    assert count == 1
    del ds.NumberOfFrames
    ds.WindowCenter, ds.WindowWidth = "2048", "4096"
    _save_native(path, ds, "OW", image.nbytes, [image.tobytes()])


def save_slices(path: Path, count: int) -> None:
    """Write an enhanced CT of 512 x 512 slices, 12 of 16 bits signed, with functional groups for each frame."""
    ds = _header(_ENHANCED_CT, "CT", (SLICE_PX, SLICE_PX), count, "MONOCHROME2", bits=12)
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 15, 1
    ds.SharedFunctionalGroupsSequence = [_shared_groups()]
    ds.PerFrameFunctionalGroupsSequence = [_frame_groups(index) for index in range(count)]
    _save_native(path, ds, "OW", 2 * SLICE_PX * SLICE_PX * count, (slice_.tobytes() for slice_ in _slices(count)))


def _slices(count: int) -> Iterator[NDArray[np.int16]]:
    noise = np.random.default_rng(3)
    grains = [noise.normal(0, 12, (SLICE_PX, SLICE_PX)) for _ in range(7)]
    across, down = np.meshgrid(np.arange(SLICE_PX), np.arange(SLICE_PX))
    for index in range(count):
        size = 180 + 20 * np.sin(index / 40)
        inside = (across - 256) ** 2 + (1.4 * (down - 256)) ** 2 < size**2
        organ = (across - 200 - 30 * np.sin(index / 25)) ** 2 + (down - 240) ** 2 < 45**2
        image = np.where(inside, 40 + 60 * organ, -1000) + grains[index % 7]
        yield np.asarray(image, dtype=np.int16)


def _shared_groups() -> Dataset:
    shared, measures, orientation, values, window = (Dataset() for _ in range(5))
    measures.PixelSpacing, measures.SliceThickness = ["0.7", "0.7"], "0.6"
    orientation.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    values.RescaleIntercept, values.RescaleSlope, values.RescaleType = "0", "1", "HU"
    window.WindowCenter, window.WindowWidth = "40", "400"
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    shared.PixelValueTransformationSequence, shared.FrameVOILUTSequence = [values], [window]
    return shared


def _frame_groups(index: int) -> Dataset:
    groups, content, position = Dataset(), Dataset(), Dataset()
    content.FrameAcquisitionNumber, content.DimensionIndexValues = 1, [1, index + 1]
    content.StackID, content.InStackPositionNumber = "1", index + 1
    position.ImagePositionPatient = ["-180", "-180", f"{0.6 * index:.1f}"]
    groups.FrameContentSequence, groups.PlanePositionSequence = [content], [position]
    return groups


def _header(
    sop_class: str, modality: str, size: tuple[int, int], frames: int, photometric: str, *, bits: int = 8
) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, "2.25.4711.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.4711.2", "2.25.4711.3"
    ds.PatientID, ds.PatientName, ds.Modality = "BENCH-4711", "Bench^Mark", modality
    ds.ImageType, ds.NumberOfFrames = ["ORIGINAL", "PRIMARY"], frames
    (ds.Rows, ds.Columns), ds.PhotometricInterpretation = size, photometric
    ds.SamplesPerPixel = 1 if photometric == "MONOCHROME2" else 3
    if ds.SamplesPerPixel > 1:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8 if bits == 8 else 16, bits, bits - 1, 0
    return ds


def _save_native(path: Path, ds: Dataset, vr: str, length: int, chunks: Iterable[bytes]) -> None:
    pixels = NativePixels(keyword="PixelData", vr=vr, length=length, chunks=chunks)
    write_instance(path, ds, SYNTAXES[EXPLICIT_LITTLE], pixels)
