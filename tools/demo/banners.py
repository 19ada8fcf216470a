"""What scanners, films and workstations write on their images about a patient.

Rule of the file: where the words stand and how large; every identifying word is named in the line's `telling`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.demo.burning import Line
from tools.demo.screens import PAGE_LINES

if TYPE_CHECKING:
    from tools.demo.objects import Drawn
    from tools.demo.patients import Patient

_SMALL_COLUMNS = 480


def _name(patient: Patient) -> tuple[str, tuple[str, ...]]:
    return patient.screen_name, (patient.family.upper(), patient.given.upper())


def _identity(patient: Patient) -> tuple[str, tuple[str, ...]]:
    return f"ID {patient.patient_id}", (patient.patient_id,)


def _birth(patient: Patient) -> tuple[str, tuple[str, ...]]:
    written = f"{patient.birth_date:%d.%m.%Y}"
    return f"DOB {written}", (written,)


def _place(patient: Patient) -> tuple[str, tuple[str, ...]]:
    return patient.hospital.upper(), (patient.hospital.upper(),)


def _time(patient: Patient) -> tuple[str, tuple[str, ...]]:
    written = f"{patient.study_date:%d.%m.%Y}"
    return f"{written} 10:15:30", (written,)


def scanner_banner(patient: Patient, drawn: Drawn) -> tuple[Line, ...]:
    """Return two or three lines along the top, as ultrasound machines write them; safety indices beside."""
    columns = drawn.frames.shape[2]
    if columns < _SMALL_COLUMNS:
        text = (_name(patient), _identity(patient), _birth(patient))
        lines = [_line(item, 40, 12 + 13 * row, 8) for row, item in enumerate(text)]
        return (*lines, _line(_time(patient), columns - 150, 232, 8, frame_first=8, frame_last=21))
    left = [_line(item, 10, 20 + 20 * row, 11) for row, item in enumerate((_name(patient), _identity(patient)))]
    right = [
        _line(item, columns - 236, 20 + 20 * row, 11) for row, item in enumerate((_place(patient), _time(patient)))
    ]
    return (*left, *right, Line(text="MI 1.1 TIS 0.7", left=10, baseline=66, height=9, telling=()))


def typed_over(patient: Patient, drawn: Drawn) -> tuple[Line, ...]:
    """Return a name that somebody typed over the tissue in the middle of the clip: only some frames show it."""
    frames, rows, columns = drawn.frames.shape[:3]
    telling = (patient.family.upper(),)
    return (
        Line(
            text=f"{patient.family.upper()} LIVER", left=columns // 2 - 110, baseline=rows // 2 + 6, height=14,
            telling=telling, frame_first=frames // 3, frame_last=2 * frames // 3,
        ),
    )  # fmt: skip


def corner_label(patient: Patient, _drawn: Drawn) -> tuple[Line, ...]:
    """Return name, ID and date of birth in the upper left corner."""
    text = (_name(patient), _identity(patient), _birth(patient))
    return tuple(_line(item, 8, 17 + 18 * row, 9) for row, item in enumerate(text))


def foot_label(patient: Patient, drawn: Drawn) -> tuple[Line, ...]:
    """Return name, ID and date of birth in the lower left corner, as large as the machine's own words."""
    text = (_name(patient), _identity(patient), _birth(patient))
    foot = drawn.frames.shape[1] - 82
    return tuple(_line(item, 12, foot + 20 * row, 12) for row, item in enumerate(text))


def film_corner(patient: Patient, drawn: Drawn) -> tuple[Line, ...]:
    """Return four lines as on a film, and a side marker that must stay."""
    rows, columns = drawn.frames.shape[1:3]
    text = (_name(patient), _identity(patient), _birth(patient), _place(patient))
    lines = [_line(item, 16, rows - 92 + 24 * row, 13) for row, item in enumerate(text)]
    return (*lines, Line(text="L", left=columns - 60, baseline=70, height=30, telling=()))


def page_text(patient: Patient, drawn: Drawn) -> tuple[Line, ...]:
    """Return a header with the patient, a table of measurements, and a signature."""
    rows = drawn.frames.shape[1]
    header = [
        _line(_name(patient), 24, 36, 17),
        _line(_identity(patient), 24, 66, 12),
        _line(_birth(patient), 230, 66, 12),
        _line(_place(patient), 480, 36, 12),
        _line(_time(patient), 480, 66, 12),
    ]
    table = []
    for row, (what, value) in enumerate(PAGE_LINES):
        table.append(Line(text=what, left=28, baseline=140 + 44 * row, height=12, telling=()))
        table.append(Line(text=value, left=236, baseline=140 + 44 * row, height=12, telling=()))
    signature = _line((f"signed: Dr {patient.physician}", (patient.physician,)), 28, rows - 34, 12)
    return (*header, *table, signature)


def _line(
    item: tuple[str, tuple[str, ...]],
    left: int,
    baseline: int,
    height: int,
    *,
    frame_first: int = 0,
    frame_last: int = -1,
) -> Line:
    text, telling = item
    return Line(
        text=text, left=left, baseline=baseline, height=height, telling=telling, frame_first=frame_first,
        frame_last=frame_last,
    )  # fmt: skip
