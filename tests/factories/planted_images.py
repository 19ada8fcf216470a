"""The image part of planted objects: pixels, and the attributes that each kind of image must have."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence


def fill_image(dataset: Dataset, kind: str, shape: tuple[int, int, int], instance: int) -> None:
    """Add noise of `shape` (frames, rows, columns) and the attributes that make `kind` a valid image."""
    frames, rows, columns = shape
    colour = kind in ("US", "US1")
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    bits = 8 if colour or kind == "SC" else 16
    stored = 12 if bits == 16 else 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, stored, stored - 1
    dataset.PixelRepresentation = 0
    dataset.ImageType = ["ORIGINAL", "PRIMARY"] + (
        [] if kind in ("SC", "CR") else ["AXIAL" if kind == "CT" else "OTHER"]
    )
    if colour:
        dataset.PlanarConfiguration = 0
        dataset.LossyImageCompression = "00"
    noise = np.random.default_rng(instance)
    pixels = noise.integers(
        0, 1 << stored, size=(*shape, 3) if colour else shape, dtype=np.uint16 if bits == 16 else np.uint8
    )
    dataset.add_new(0x7FE00010, "OW" if bits == 16 else "OB", pixels.tobytes())
    _SPECIFIC[kind](dataset, frames)


def _ultrasound(dataset: Dataset, frames: int) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"]
    dataset.UltrasoundColorDataPresent = 1
    if frames > 1:
        dataset.NumberOfFrames = str(frames)
        dataset.FrameTime = "33.3"
        dataset.FrameIncrementPointer = 0x00181063
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 2
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 8, 8
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = dataset.Columns - 9, dataset.Rows - 9
    region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection = 3, 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.01, 0.01
    dataset.SequenceOfUltrasoundRegions = Sequence([region])


def _plane(dataset: Dataset, _frames: int) -> None:
    dataset.PixelSpacing = ["0.5", "0.5"]
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.ImagePositionPatient = ["0", "0", str(dataset.InstanceNumber)]
    dataset.SliceThickness = "1"
    dataset.AcquisitionNumber = "1"
    dataset.PatientPosition = "HFS"
    if dataset.Modality == "CT":
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType, dataset.KVP = "-1024", "1", "HU", "120"
    else:
        dataset.ScanningSequence, dataset.SequenceVariant, dataset.MRAcquisitionType = "SE", "NONE", "2D"
        dataset.EchoTime, dataset.RepetitionTime, dataset.EchoTrainLength = "12", "500", "1"


def _radiograph(dataset: Dataset, _frames: int) -> None:
    dataset.KVP, dataset.PlateID, dataset.ViewPosition = "", "", "AP"
    dataset.ImagerPixelSpacing = ["0.2", "0.2"]


def _secondary_capture(dataset: Dataset, _frames: int) -> None:
    dataset.ConversionType = "WSD"
    dataset.DateOfSecondaryCapture, dataset.TimeOfSecondaryCapture = "20230418", "090000"
    for element, value in ((0x0010, 16), (0x0011, 16)):
        dataset.add_new(0x60000000 + element, "US", value)
    dataset.add_new(0x60000040, "CS", "G")
    dataset.add_new(0x60000050, "SS", [1, 1])
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x60000022, "LO", str(dataset.PatientName).split("^", maxsplit=1)[0])
    dataset.add_new(0x60003000, "OW", bytes(32))


_SPECIFIC = {
    "US": _ultrasound,
    "US1": _ultrasound,
    "CT": _plane,
    "MR": _plane,
    "CR": _radiograph,
    "SC": _secondary_capture,
}
