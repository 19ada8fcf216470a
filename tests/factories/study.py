"""One patient's study as a clinical PACS has it: a real 30-frame colour ultrasound clip, CT, MR, CR, SC and an SR.

The clip is pydicom's example; the patient's name, ID and birth date are burned into every frame, and a second name
into one frame alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from pydicom import dcmread, examples
from pydicom.pixels import convert_color_space, pixel_array
from pydicom.uid import ExplicitVRLittleEndian

from tests.factories.planted import PlantedObject, planted_object

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FLASHED_FRAME = 17
FLASHED_NAME = "FLASHWORTH"
_HEADER_FROM_PLANTED = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "OtherPatientNames", "PatientComments"),
    *("StudyInstanceUID", "SeriesInstanceUID", "AccessionNumber", "StudyID", "StudyDescription", "SeriesDescription"),
    *("ReferringPhysicianName", "OperatorsName", "InstitutionName", "StationName", "RequestAttributesSequence"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Files of one study and every string planted in their headers.

    Parameters
    ----------
    burned
        What stands in the pixels of the clip.
    clip
        The clip's file, RGB, native.
    """

    files: dict[str, Path]
    planted: tuple[str, ...]
    burned: tuple[str, ...]

    @property
    def clip(self) -> Path:
        """The ultrasound clip."""
        return self.files["US"]


def write_study(folder: Path, *, seed: int, frames: int = 30) -> Study:
    """Write a study of six objects into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files, planted = {}, set()
    for number, kind in enumerate(("CT", "MR", "CR", "SC", "SR"), start=2):
        made = planted_object(kind, seed=seed, instance=number, rows=96, columns=128)
        files[kind] = made.save(folder / f"{kind}.dcm")
        planted.update(made.planted)
    source = planted_object("US", seed=seed, instance=1)
    planted.update(source.planted)
    burned = _burned_strings(source)
    files["US"] = _write_clip(folder / "US.dcm", source, burned, frames)
    return Study(files=files, planted=tuple(planted), burned=(*burned, FLASHED_NAME))


def _burned_strings(source: PlantedObject) -> tuple[str, str, str]:
    dataset = source.dataset
    family = str(dataset.PatientName).split("^", maxsplit=1)[0].upper()
    birth = dataset.PatientBirthDate
    return family, str(dataset.PatientID), f"{birth[6:]}.{birth[4:6]}.{birth[:4]}"


def _write_clip(path: Path, source: PlantedObject, burned: tuple[str, ...], frames: int) -> Path:
    clip = dcmread(examples.get_path("ybr_color"))
    for keyword in _HEADER_FROM_PLANTED:
        clip[keyword] = source.dataset[keyword]
    clip.SpecificCharacterSet = source.dataset.SpecificCharacterSet
    clip.SOPInstanceUID = clip.file_meta.MediaStorageSOPInstanceUID = source.dataset.SOPInstanceUID
    pixels = decoded_frames(examples.get_path("ybr_color"))[:frames].copy()
    for index, frame in enumerate(pixels):
        for line, text in enumerate(burned):
            _write_text(frame, text, (8, 14 + 12 * line))
        if index == FLASHED_FRAME:
            _write_text(frame, FLASHED_NAME, (180, 222))
    clip.PhotometricInterpretation, clip.PlanarConfiguration = "RGB", 0
    clip.NumberOfFrames = str(len(pixels))
    clip.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    clip["PixelData"].is_undefined_length = False
    clip.PixelData = pixels.tobytes()
    clip["PixelData"].VR = "OB"
    clip.save_as(path, enforce_file_format=True)
    return path


def _write_text(frame: NDArray[np.uint8], text: str, origin: tuple[int, int]) -> None:
    cv2.putText(frame, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)


def decoded_frames(path: Path | str) -> NDArray[np.uint8]:
    """Return all frames of a colour object as RGB (frame, row, column, sample), decoded by pydicom alone."""
    header = dcmread(path, stop_before_pixels=True)
    pixels = np.asarray(pixel_array(path, raw=True))
    if pixels.ndim == 3:
        pixels = pixels[None]
    if header.PhotometricInterpretation.startswith("YBR"):
        pixels = np.stack([convert_color_space(frame, "YBR_FULL", "RGB") for frame in pixels])
    return pixels
