"""What a kind of object is: its SOP class, its pixels, and what writes the rest of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.factories.corpus.elements import fill, item

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

    from tests.factories.corpus.patient import Shared
    from tests.factories.corpus.pixels import Pixels
    from tests.factories.corpus.plants import Plants

STORAGE = "1.2.840.10008.5.1.4.1.1."


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object.

    Parameters
    ----------
    ending
        Of the SOP Class UID, behind `STORAGE`.
    write
        Writes what the modules of patient, study, equipment and pixels do not.
    pixels
        None where the object has no pixel data.
    in_space
        The object has a Frame of Reference.
    """

    name: str
    ending: str
    modality: str
    write: Callable[[Dataset, Shared, Plants], None]
    pixels: Pixels | None = None
    in_space: bool = True

    @property
    def sop_class(self) -> str:
        """SOP Class UID."""
        return STORAGE + self.ending


def acquired(dataset: Dataset, *image_type: str) -> None:
    """Write what most images say about their acquisition."""
    fill(
        dataset,
        ImageType=list(image_type),
        AcquisitionDate="20190311",
        AcquisitionTime="101600",
        AcquisitionDateTime="20190311101600.5+0200",
        ContentDate="20190311",
        ContentTime="101610",
        BurnedInAnnotation="NO",
        AcquisitionNumber="1",
        PatientOrientation=["L", "P"],
    )


def plane(dataset: Dataset) -> None:
    """Write the Image Plane Module."""
    fill(
        dataset,
        PixelSpacing=["0.5", "0.5"],
        ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
        ImagePositionPatient=["0", "0", "0"],
        SliceThickness="1",
        PatientPosition="HFS",
    )


def lossless(dataset: Dataset) -> None:
    """Say that no loss has happened, where the syntax has not said otherwise yet."""
    if "LossyImageCompression" not in dataset:
        dataset.LossyImageCompression = "00"


def frames_of(dataset: Dataset, shared: list[Dataset] | None = None, per_frame: list[Dataset] | None = None) -> None:
    """Write functional groups: of all frames, and of each."""
    fill(dataset, SharedFunctionalGroupsSequence=shared or [item()])
    dataset.PerFrameFunctionalGroupsSequence = per_frame or [item() for _ in range(int(dataset.NumberOfFrames))]
