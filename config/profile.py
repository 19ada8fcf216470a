"""A de-identification profile as frozen models: what happens to headers, pixels and sidecar.

Rule of the file: the default of every pixel setting is the safe one, and an option may be claimed only when the
settings that make it true are on. What no stage implements yet is listed in `config.unavailable`, not here.
"""

from __future__ import annotations

import hashlib
import json
import re
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, InstanceOf, PlainSerializer, WithJsonSchema, model_validator

from config.attributes import tag_of
from config.ctp_script import CtpScript  # noqa: TC001  pydantic looks at it when the class is made
from config.patient_table import PatientTable  # noqa: TC001  pydantic looks at it when the class is made
from config.private import NamedOnce, WrittenPrivateTag
from config.section import ListOf, Name, NoRepeats, Section


class Option(StrEnum):
    """The options of the Basic Application Level Confidentiality Profile, PS3.15 table E.1-1 and PS3.16 CID 7050."""

    CLEAN_PIXEL_DATA = "clean_pixel_data"
    """113101: burned-in text is removed."""
    CLEAN_RECOGNIZABLE_VISUAL_FEATURES = "clean_recognizable_visual_features"
    """113102: what may show a face is held; no pixel is changed for it."""
    CLEAN_GRAPHICS = "clean_graphics"
    """113103: annotations drawn on images are cleaned instead of removed; overlays and curves go all the same."""
    CLEAN_STRUCTURED_CONTENT = "clean_structured_content"
    """113104: structured reports are cleaned instead of held."""
    CLEAN_DESCRIPTORS = "clean_descriptors"
    """113105: free text keeps what is no identifier."""
    RETAIN_LONGITUDINAL_FULL_DATES = "retain_longitudinal_full_dates"
    """113106: dates stay as they are."""
    RETAIN_LONGITUDINAL_MODIFIED_DATES = "retain_longitudinal_modified_dates"
    """113107: dates are shifted by one secret number of days per patient."""
    RETAIN_PATIENT_CHARACTERISTICS = "retain_patient_characteristics"
    """113108: sex, age, size and weight stay; an age over 89 becomes 090Y."""
    RETAIN_DEVICE_IDENTITY = "retain_device_identity"
    """113109: serial numbers and station names stay."""
    RETAIN_UIDS = "retain_uids"
    """113110: UIDs stay as they are."""
    RETAIN_SAFE_PRIVATE = "retain_safe_private"
    """113111: private attributes known to be safe stay."""
    RETAIN_INSTITUTION_IDENTITY = "retain_institution_identity"
    """113112: institution name and address stay."""


AVAILABLE_OPTIONS: frozenset[Option] = frozenset(
    {
        Option.CLEAN_PIXEL_DATA,
        Option.CLEAN_GRAPHICS,
        Option.CLEAN_STRUCTURED_CONTENT,
        Option.CLEAN_DESCRIPTORS,
        Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES,
        Option.RETAIN_LONGITUDINAL_FULL_DATES,
        Option.RETAIN_LONGITUDINAL_MODIFIED_DATES,
        Option.RETAIN_UIDS,
        Option.RETAIN_DEVICE_IDENTITY,
        Option.RETAIN_INSTITUTION_IDENTITY,
        Option.RETAIN_PATIENT_CHARACTERISTICS,
        Option.RETAIN_SAFE_PRIVATE,
    }
)
"""The options that are fully implemented: only these are accepted and written into (0012,0064)."""


_SHORTEST = {"base32": 16, "hex": 20, "digits": 25}
"""Characters that hold 80 bits."""


def _prefix(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,16}", value, re.ASCII):
        raise ValueError(f"{value!r} is no prefix; write at most 16 of the characters A-Z a-z 0-9 . _ -")
    return value


class PatientIds(Section):
    """How a pseudonym is made from (0010,0020).

    Parameters
    ----------
    method
        `keyed`: from the site's key; `table`: from the steward's table in `file`.
    prefix
        Stands before every pseudonym of the method `keyed`, at most 16 characters.
    length
        Characters after the prefix, at most 48.
    alphabet
        What they are: `base32` (A-Z 2-7, 5 bits each), `hex` (0-9 A-F) or `digits`. With the length they must say
        80 bits, so that two patients do not meet: 16 characters of base32, 20 of hex, 25 digits.
    strip_leading_zeros
        Whether 007 and 7 are the same patient.
    file, unknown
        For `table`: the CSV, and what happens to a patient who is not in it. In the profile's file a path;
        `config.load` puts the table in its place.
    """

    method: Literal["keyed", "table"] = "keyed"
    prefix: Annotated[str, AfterValidator(_prefix)] = "SV-"
    length: Annotated[int, Field(ge=16, le=48)] = 16
    alphabet: Literal["base32", "hex", "digits"] = "base32"
    strip_leading_zeros: bool = False
    file: (
        Annotated[
            InstanceOf[PatientTable], PlainSerializer(lambda table: table.sha256), WithJsonSchema({"type": "string"})
        ]
        | None
    ) = None
    unknown: Literal["hold"] = "hold"

    @model_validator(mode="after")
    def _table_has_a_file(self) -> Self:
        if (self.method == "table") != (self.file is not None):
            raise ValueError("`method: table` and `file: ids.csv` are written together or not at all")
        return self

    @model_validator(mode="after")
    def _two_patients_do_not_meet(self) -> Self:
        needed = _SHORTEST[self.alphabet]
        if self.length < needed:
            raise ValueError(f"`alphabet: {self.alphabet}` needs `length: {needed}` or more, which is 80 bits")
        return self


class DateShift(Section):
    """By how much dates move: whole days, 1 to `range_days`, always backwards, one number per patient.

    Applies where the profile names `retain_longitudinal_modified_dates`; times of day stay.
    """

    scope: Literal["patient"] = "patient"
    range_days: Annotated[int, Field(ge=1, le=36_500)] = 365


class PrivateTags(Section):
    """Which private attributes stay: none, unless `keep_safe` or a line of `extra` says so.

    Parameters
    ----------
    keep_safe
        Those that PS3.15 Table E.3.10-1 or TCIA's knowledge base know to be safe; goes with the option
        `retain_safe_private`.
    extra
        Others, each as `(0019,"SIEMENS MR HEADER",0C)` or, where files do not say the VR, `(…) IS`. Their values are
        judged like those of the safe ones.
    """

    keep_safe: bool = False
    extra: Annotated[tuple[WrittenPrivateTag, ...], ListOf, NamedOnce] = ()


class TagRule(Section):
    """One attribute treated otherwise than the options say.

    Parameters
    ----------
    tag
        Eight upper-case hexadecimal digits. A keyword (`StudyDescription`), `(0008,1030)` and `00081030` are read.
    value
        For `replace`: the new value.
    """

    tag: Annotated[str, AfterValidator(tag_of)]
    action: Literal["keep", "remove", "empty", "replace", "clean"]
    value: str | None = None

    @model_validator(mode="after")
    def _value_goes_with_replace(self) -> Self:
        if (self.action == "replace") != (self.value is not None):
            raise ValueError("`action: replace` needs a `value`, and no other action takes one")
        return self


class Cone(Section):
    """What happens around the ultrasound cone.

    Parameters
    ----------
    apply_to
        Values of (0008,0060) Modality. The pixel stage applies it to ultrasound image classes only, whatever
        stands here.
    blank_outside
        Everything outside the cone becomes black.
    crop
        The frame is cut to the cone's bounding box.
    keep_regions
        Regions of (0018,6011) beside the cone that stay, text in them masked: M-mode, Doppler spectra, waveforms such
        as the ECG, and second panes. An empty list means the cone alone.
    fallback
        What is tried, in this order, when no cone is found with confidence; the last must be `hold`. `regions`: the
        rectangles of (0018,6011) stay. `masks`: the device masks, or the rule of the CTP script, that fit the object.
    """

    apply_to: Annotated[tuple[str, ...], ListOf, Field(min_length=1), NoRepeats] = ("US",)
    blank_outside: bool = True
    crop: bool = False
    keep_regions: Annotated[tuple[Literal["m_mode", "spectral", "waveform", "second_pane"], ...], ListOf, NoRepeats] = (
        "m_mode",
        "spectral",
        "waveform",
        "second_pane",
    )
    fallback: Annotated[tuple[Literal["regions", "masks", "hold"], ...], ListOf, NoRepeats] = ("hold",)

    @model_validator(mode="after")
    def _doubt_ends_in_hold(self) -> Self:
        if self.fallback[-1:] != ("hold",):
            raise ValueError("the last entry of `fallback` must be hold")
        if self.crop and not self.blank_outside:
            raise ValueError("`crop: true` needs `blank_outside: true`")
        return self


def _keep_word(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{1,12}", value, re.ASCII):
        raise ValueError(f"{value!r} cannot be a word to keep; write 1 to 12 capital letters A-Z")
    return value


class Text(Section):
    """What happens to text in the pixels.

    Parameters
    ----------
    where
        `everywhere`: in every part of every frame that remains.
    fill
        What stands where text was: `black`, or `inpaint`, a smooth filling from its surroundings that the object
        declares; what cannot be filled in (palettes, more than 8 bits of colour) becomes black.
    keep_words
        Text that stays when a region reads exactly so: side marks. Capital letters.
    detector
        The text models that look: `ppocr`, `craft`, or both (`union`).
    """

    where: Literal["everywhere"] = "everywhere"
    fill: Literal["black", "inpaint"] = "black"
    keep_words: Annotated[tuple[Annotated[str, AfterValidator(_keep_word)], ...], ListOf, NoRepeats] = (
        "L",
        "R",
        "LT",
        "RT",
    )
    detector: Literal["ppocr", "craft", "union"] = "ppocr"


class DeviceMask(Section):
    """Rectangles that are blanked on every frame of one device's images.

    Parameters
    ----------
    station_name, manufacturer_model
        (0008,1010) and (0008,1090) of the device; at least one is given, and all that are given must be equal.
    columns, rows
        The frame size for which the rectangles were drawn.
    rectangles
        left, top, right, bottom in pixels of the original frame, origin top left, right and bottom exclusive.
    """

    station_name: Annotated[str, Field(min_length=1)] | None = None
    manufacturer_model: Annotated[str, Field(min_length=1)] | None = None
    columns: Annotated[int, Field(ge=1, le=65_535)]
    rows: Annotated[int, Field(ge=1, le=65_535)]
    rectangles: Annotated[
        tuple[Annotated[tuple[int, int, int, int], ListOf], ...], ListOf, Field(min_length=1), NoRepeats
    ]

    @model_validator(mode="after")
    def _rectangles_lie_in_the_frame(self) -> Self:
        if self.station_name is None and self.manufacturer_model is None:
            raise ValueError("a mask needs `station_name` or `manufacturer_model`, or it would fit every device")
        for left, top, right, bottom in self.rectangles:
            if not (0 <= left < right <= self.columns and 0 <= top < bottom <= self.rows):
                raise ValueError(
                    f"[{left}, {top}, {right}, {bottom}] does not lie in {self.columns} columns x {self.rows} rows; "
                    "write [left, top, right, bottom], right and bottom exclusive"
                )
        return self


class Review(Section):
    """Which doubts about a finished object make a person look at it."""

    hold_when: Annotated[tuple[Literal["residual_text", "cone_uncertain"], ...], ListOf, NoRepeats] = (
        "residual_text",
        "cone_uncertain",
    )


class Pixels(Section):
    """What happens to pixels; without any setting, text is blanked everywhere and nothing is cropped.

    Parameters
    ----------
    cone
        None: nothing is cut or blanked around an ultrasound cone.
    text
        None: text in pixels stays. Only a profile without `clean_pixel_data` may say so.
    ctp_script
        A DicomPixelAnonymizer script of CTP: the rectangles of the first rule that an object meets are blanked. In the
        profile's file a path; `config.load` puts the script in its place.
    verify
        The written object is read and searched again.
    """

    cone: Cone | None = None
    text: Text | None = Text()
    masks: Annotated[tuple[DeviceMask, ...], ListOf] = ()
    ctp_script: (
        Annotated[
            InstanceOf[CtpScript], PlainSerializer(lambda script: script.sha256), WithJsonSchema({"type": "string"})
        ]
        | None
    ) = None
    verify: bool = True
    review: Review = Review()


class Sidecar(Section):
    """The list of the text that was found; confidential, whatever is chosen here.

    Parameters
    ----------
    store_text
        The text itself, its keyed hash, or nothing.
    """

    csv: bool = True
    store_text: Literal["full", "hashed", "none"] = "full"


def _in_standard_order(options: tuple[Option, ...]) -> tuple[Option, ...]:
    order = list(Option)
    return tuple(sorted(options, key=order.index))


class Profile(Section):
    """Everything that is done to an object, from the steward's hand.

    Parameters
    ----------
    name
        Not written in the file: the name under which the file is known.
    options
        PS3.15 options beside the Basic Profile, in the standard's order.
    accession_number
        What becomes of Accession Number, Study ID, and Placer and Filler Order Number: `keyed`, the same 16
        characters wherever the same number of the same patient domain stands; or `empty`.
    documents
        What becomes of objects that carry a PDF, CDA or model file: `hold`, or `strip`, which lets the scrubbed object
        go with a blank document of the same kind in its place.
    """

    one_value: ClassVar[bool] = True

    name: Name
    options: Annotated[
        tuple[Annotated[Option, Field(strict=False)], ...], ListOf, NoRepeats, AfterValidator(_in_standard_order)
    ] = ()
    patient_id: PatientIds = PatientIds()
    accession_number: Literal["keyed", "empty"] = "keyed"
    documents: Literal["hold", "strip"] = "hold"
    date_shift: DateShift = DateShift()
    private_tags: PrivateTags = PrivateTags()
    rules: Annotated[tuple[TagRule, ...], ListOf] = ()
    pixels: Pixels = Pixels()
    sidecar: Sidecar = Sidecar()


def profile_sha256(profile: Profile) -> str:
    """Return the SHA-256, hexadecimal, of what the profile does; its name and the file's layout do not count."""
    content = profile.model_dump(mode="json", exclude={"name"})
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
