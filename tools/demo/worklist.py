"""What the clinical PACS sends: real images out of pydicom's test files, and drawn ones, with patients planted in them.

Rule of the file: which object belongs to whom, and what is expected of the gateway. How a patient is written into a
header is in `header`, how text gets into pixels in `burning`, how objects of each kind look in `objects`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.reasons import Reason
from tools.demo import objects
from tools.demo.banners import corner_label, film_corner, foot_label, page_text, scanner_banner, typed_over
from tools.demo.burning import burn
from tools.demo.header import plant
from tools.demo.patients import PATIENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydicom.dataset import FileDataset

    from tools.demo.burning import Burned, Line
    from tools.demo.objects import Drawn
    from tools.demo.patients import Patient


OBJECTS = 12
"""How many objects `worklist` makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One object that the clinical PACS sends.

    Parameters
    ----------
    name
        For file names and pictures: what it is, never who it is.
    dataset
        Complete; written and sent as it is.
    burned
        The identifying lines in its pixels.
    held
        The reason for which the gateway must hold it; None where it must arrive.
    """

    name: str
    title: str
    patient: Patient
    dataset: FileDataset
    burned: tuple[Burned, ...]
    held: Reason | None


def worklist() -> Iterator[Sent]:
    """Make the objects one after the other, in the order in which they are sent."""
    heart, abdomen, staging, soft_tissue, unknown = PATIENTS
    yield _image("heart-clip", "Real 30-frame colour ultrasound clip (pydicom)", heart, 1, objects.real_heart_clip)
    yield _image("heart-drawn", "Drawn cardiac clip", heart, 2, objects.drawn_heart_clip)
    yield _report(heart, 3)
    yield _document(heart, 4)
    yield _image("abdomen-drawn", "Drawn abdominal clip, RLE compressed", abdomen, 1, objects.drawn_abdomen_clip)
    yield _image("measurement-page", "Secondary capture of a measurement page", abdomen, 2, objects.drawn_page)
    for instance in (1, 2):
        yield _image(f"ct-{instance}", "Real CT slice (pydicom)", staging, 1, objects.real_ct, instance=instance)
    yield _image("mr", "Real MR slice with an overlay plane (pydicom)", staging, 2, objects.real_mr)
    yield _image("lymph-node", "Real power Doppler still (pydicom)", soft_tissue, 1, objects.real_lymph_node)
    yield _image("chest", "Drawn chest radiograph with side marker", soft_tissue, 2, objects.drawn_chest)
    yield _image(
        "chest-no-id", "Radiograph of a patient without ID", unknown, 1, objects.drawn_chest, held=Reason.NO_PATIENT_ID
    )


_LINES: dict[str, Callable[[Patient, Drawn], tuple[Line, ...]]] = {
    "scanner": scanner_banner,
    "typed": lambda patient, drawn: (*scanner_banner(patient, drawn), *typed_over(patient, drawn)),
    "corner": corner_label,
    "foot": foot_label,
    "film": film_corner,
    "page": page_text,
    "none": lambda *_: (),
}


def _image(
    name: str,
    title: str,
    patient: Patient,
    series: int,
    make: Callable[[], Drawn],
    *,
    instance: int = 1,
    held: Reason | None = None,
) -> Sent:
    drawn = make()
    lines = _LINES[drawn.lettering](patient, drawn)
    burned: list[Burned] = []
    for level in sorted({drawn.level(line) for line in lines}):
        burned += burn(drawn.frames, tuple(line for line in lines if drawn.level(line) == level), level=level)
    dataset = drawn.finish()
    plant(dataset, patient, series=series, instance=instance)
    return Sent(name=name, title=title, patient=patient, dataset=dataset, burned=tuple(burned), held=held)


def _report(patient: Patient, series: int) -> Sent:
    dataset = objects.report(
        f"Mild mitral regurgitation, no pericardial effusion. {patient.given} {patient.family} was seen by "
        f"Dr {patient.physician}."
    )
    plant(dataset, patient, series=series, instance=1)
    return Sent(name="report", title="Structured report", patient=patient, dataset=dataset, burned=(), held=None)


def _document(patient: Patient, series: int) -> Sent:
    dataset = objects.document(f"{patient.given} {patient.family}")
    plant(dataset, patient, series=series, instance=1)
    return Sent(
        name="document", title="Encapsulated PDF", patient=patient, dataset=dataset, burned=(),
        held=Reason.ENCAPSULATED_DOCUMENT,
    )  # fmt: skip
