"""What each SOP class of the standard is to this product: SOP class UID -> kind.

Rule of the file: every storage class of PS3.6 Table A-1 stands in the table under its own UID; a class of the standard
that does not is held, whatever it looks like. A test compares the table with pydicom's dictionary.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """How an object is treated."""

    IMAGE = "image"
    """Frames that people look at: text in them is looked for."""
    REPORT = "report"
    """A tree of content items: structured reports and key object selections."""
    PRESENTATION = "presentation"
    """How images are shown, with annotations drawn on them."""
    WAVEFORM = "waveform"
    """Samples over time."""
    RADIOTHERAPY = "radiotherapy"
    """Plans, structures and records without frames."""
    GRID = "grid"
    """Frames computed from images, dose, class or quantity by voxel: copied bit for bit, and not searched for text."""
    MEASUREMENT = "measurement"
    """Numbers, matrices, points and surfaces without frames."""
    DOCUMENT = "document"
    """A file of another kind inside an object: held, or replaced by a blank one."""
    HELD = "held"
    """Held: raw data, sound, and what describes no patient."""


_S = "1.2.840.10008.5.1.4.1.1."
_ENDINGS: dict[Kind, tuple[str, ...]] = {
    Kind.IMAGE: (
        "1",  # Computed Radiography
        "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1",  # Digital X-Ray, Mammography, Intra-Oral
        "2", "2.1", "2.2",  # CT, Enhanced CT, Legacy Converted Enhanced CT
        "3", "3.1",  # Ultrasound Multi-frame, retired and current
        "4", "4.1", "4.3", "4.4",  # MR, Enhanced MR, Enhanced MR Color, Legacy Converted Enhanced MR
        "5", "20", "128", "128.1", "130",  # Nuclear Medicine retired and current, PET, Legacy Converted, Enhanced PET
        "6", "6.1", "6.2", "6.3",  # Ultrasound retired and current, Enhanced US Volume, Photoacoustic
        "7", "7.1", "7.2", "7.3", "7.4",  # Secondary Capture and its multi-frame kinds
        "12.1", "12.1.1", "12.2", "12.2.1", "12.3",  # X-Ray Angiographic, Radiofluoroscopic, Biplane retired
        "13.1.1", "13.1.2", "13.1.3", "13.1.4", "13.1.5",  # X-Ray 3D, Breast Tomosynthesis, Breast Projection
        "14.1", "14.2",  # Intravascular Optical Coherence Tomography
        "77.1", "77.2",  # Visible Light retired
        "77.1.1", "77.1.1.1", "77.1.2", "77.1.2.1", "77.1.3", "77.1.4", "77.1.4.1",  # VL, its video kinds
        "77.1.5.1", "77.1.5.2", "77.1.5.4", "77.1.5.5", "77.1.5.6", "77.1.5.7", "77.1.5.8",  # Ophthalmic
        "77.1.6", "77.1.7", "77.1.8", "77.1.9",  # Whole Slide Microscopy, Dermoscopic, Confocal Microscopy
        "81.1", "82.1",  # Ophthalmic Thickness Map, Corneal Topography Map: drawings of devices
        "481.1", "481.23", "481.24",  # RT Image, Enhanced and Enhanced Continuous RT Image
    ),
    Kind.REPORT: (
        "88.11", "88.22", "88.33", "88.34", "88.35",  # Basic Text, Enhanced, Comprehensive, 3D, Extensible
        "88.40", "88.50", "88.59", "88.65",  # Procedure Log, Mammography CAD, Key Object Selection, Chest CAD
        "88.67", "88.68", "88.69", "88.70", "88.71",  # Dose, Colon CAD, Implantation Plan, Acquisition Context
        "88.72", "88.73", "88.74", "88.75", "88.76", "88.77",  # Adult Echo, Patient Dose, Agents, Dose, Annotation
    ),
    Kind.PRESENTATION: (
        "11.1", "11.2", "11.3", "11.4", "11.5",  # Grayscale, Color, Pseudo-Color, Blending, XA/XRF
        "11.6", "11.7", "11.8", "11.9", "11.10", "11.11", "11.12",  # Planar MPR, Volumetric, Variable Modality LUT
    ),
    Kind.WAVEFORM: (
        "9.1.1", "9.1.2", "9.1.3", "9.1.4", "9.2.1", "9.3.1",  # ECG, Hemodynamic, Cardiac Electrophysiology
        "9.5.1", "9.6.1", "9.6.2",  # Arterial Pulse, Respiratory
        "9.7.1", "9.7.2", "9.7.3", "9.7.4", "9.8.1",  # EEG, EMG, EOG, Sleep EEG, Body Position
    ),
    Kind.RADIOTHERAPY: (
        "481.3", "481.4", "481.5", "481.6", "481.7", "481.8", "481.9",  # Structure Set, Plans, Treatment Records
        "481.10", "481.11", "481.12", "481.13", "481.14", "481.15", "481.16", "481.17", "481.18", "481.19",
        "481.20", "481.21", "481.22", "481.25",  # second generation: intent, radiation, records, instructions
    ),
    Kind.GRID: (
        "30", "66.4", "481.2",  # Parametric Map, Segmentation, RT Dose
    ),
    Kind.MEASUREMENT: (
        "4.2",  # MR Spectroscopy
        "66.1", "66.2", "66.3",  # Spatial Registration, Spatial Fiducials, Deformable Spatial Registration
        "66.5", "66.6", "67",  # Surface Segmentation, Tractography Results, Real World Value Mapping
        "68.1", "68.2",  # Surface Scan Mesh, Surface Scan Point Cloud
        "77.1.5.3",  # Stereometric Relationship
        "78.1", "78.2", "78.3", "78.4", "78.5", "78.6", "78.7", "78.8",  # Lensometry to Intraocular Lens
        "79.1", "80.1",  # Macular Grid Thickness and Volume, Visual Field Static Perimetry
        "90.1", "91.1",  # Content Assessment Results, Microscopy Bulk Simple Annotations
    ),
    Kind.DOCUMENT: (
        "104.1", "104.2", "104.3", "104.4", "104.5",  # Encapsulated PDF, CDA, STL, OBJ, MTL
    ),
    Kind.HELD: (
        "8", "9", "9.1", "10", "11", "129",  # standalone overlay, curves, waveform trial, LUTs: retired
        "9.4.1", "9.4.2",  # Basic Voice Audio, General Audio: a voice identifies
        "88.1", "88.2", "88.3", "88.4",  # Structured Reporting Trial, retired: content in attributes of another kind
        "66",  # Raw Data: bytes in a form that only their maker knows
        "131",  # Basic Structured Display
        "200.1", "200.2", "200.3", "200.7", "200.8", "201.1",  # protocols, their approval, inventories
        "501.1", "501.2.1", "501.2.2", "501.3", "501.4", "501.5", "501.6",  # security screening (DICOS)
        "601.1", "601.2",  # eddy current testing (DICONDE)
    ),
}  # fmt: skip
_OTHERS: dict[str, Kind] = {
    "1.2.840.10008.1.3.10": Kind.HELD,  # Media Storage Directory
    "1.2.840.10008.5.1.1.27": Kind.HELD,  # Stored Print, retired
    "1.2.840.10008.5.1.1.29": Kind.HELD,  # Hardcopy Grayscale Image, retired
    "1.2.840.10008.5.1.1.30": Kind.HELD,  # Hardcopy Color Image, retired
    "1.2.840.10008.5.1.4.34.1": Kind.HELD,  # RT Beams Delivery Instruction Trial, retired
    "1.2.840.10008.5.1.4.34.7": Kind.RADIOTHERAPY,  # RT Beams Delivery Instruction
    "1.2.840.10008.5.1.4.34.10": Kind.RADIOTHERAPY,  # RT Brachy Application Setup Delivery Instruction
    "1.2.840.10008.5.1.4.38.1": Kind.HELD,  # Hanging Protocol
    "1.2.840.10008.5.1.4.39.1": Kind.HELD,  # Color Palette
    "1.2.840.10008.5.1.4.43.1": Kind.HELD,  # Generic Implant Template
    "1.2.840.10008.5.1.4.44.1": Kind.HELD,  # Implant Assembly Template
    "1.2.840.10008.5.1.4.45.1": Kind.HELD,  # Implant Template Group
}
KINDS: Mapping[str, Kind] = MappingProxyType(
    {**{_S + ending: kind for kind, endings in _ENDINGS.items() for ending in endings}, **_OTHERS}
)
"""Every storage SOP class of the standard."""
