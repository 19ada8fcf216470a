"""Rectangles that belong to a device: the profile's own and those of CTP's script."""

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from config.ctp_script import parse_script
from config.schema import Cone, DeviceMask, Pixels, Profile
from pipeline.copy_pixels import changes_no_pixel
from pipeline.device_masks import device_redactions
from pipeline.header.decoding import silent_decoding
from pipeline.reasons import Held, Reason
from tests.factories.pixels import BlindReader, FixedCone, deidentifier, received, save_image, speckle
from tests.factories.profiles import RESEARCH

SCRIPT = """
Acme ultrasound, no banner
  { ManufacturerModelName.equals("ACME 0") } (0,0,0,0)

  { ManufacturerModelName.containsIgnoreCase("acme") * [0028,0010].equals("160") }
  (0,0,240,20) (-40,-10,100,10) (500,0,10,10)

  { ManufacturerModelName.containsIgnoreCase("acme") }
  (0,0,10,10)
"""
SIZE = {"rows": 160, "columns": 240, "frames": 3}


def header(model, **attributes):
    """Return a header of a model."""
    dataset = Dataset()
    dataset.ManufacturerModelName, dataset.Rows, dataset.Columns = model, 160, 240
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def boxes(dataset, pixels):
    """Return boxes and rules."""
    return [(one.box, one.rule) for one in device_redactions(dataset, pixels, **SIZE)]


def test_the_first_rule_of_the_script_that_fits_counts():
    """Negative edges count from the right and the bottom; what lies outside is cut off; a rule may spare a device."""
    pixels = Pixels(ctp_script=parse_script(SCRIPT))
    assert boxes(header("Acme 7"), pixels) == [((0, 0, 240, 20), "mask:ctp:5"), ((200, 150, 240, 160), "mask:ctp:5")]
    assert boxes(header("Acme 7", Rows=100), pixels) == [((0, 0, 10, 10), "mask:ctp:8")]
    assert boxes(header("ACME 0"), pixels) == []
    assert boxes(header("other"), pixels) == []


def test_masks_of_the_profile_and_the_script_add_up():
    """Neither replaces the other."""
    mask = DeviceMask(manufacturer_model="Acme 7", rows=160, columns=240, rectangles=((1, 2, 3, 4),))
    pixels = Pixels(masks=(mask,), ctp_script=parse_script(SCRIPT))
    assert [rule for _, rule in boxes(header("Acme 7"), pixels)] == ["mask:Acme 7", "mask:ctp:5", "mask:ctp:5"]


def test_values_are_asked_as_they_are_written():
    """Several values are one text; what is absent and sequences are an empty one."""
    dataset = header("x", ImageType=["DERIVED", "SECONDARY"], SequenceOfUltrasoundRegions=[Dataset()])
    for condition in (
        'ImageType.equals("DERIVED\\SECONDARY")',
        'StationName.equals("")',
        'SequenceOfUltrasoundRegions.equals("")',
        "Columns.isGreaterThan(" + '"239")',
    ):
        script = parse_script("{" + condition + "} (0,0,1,1)")
        assert boxes(dataset, Pixels(ctp_script=script)) == [((0, 0, 1, 1), "mask:ctp:1")]


def test_an_attribute_that_cannot_be_decoded_holds():
    """A rule that cannot be asked is not a rule that does not fit."""
    dataset = Dataset()
    dataset[0x00280010] = pydicom.dataelem.RawDataElement(pydicom.tag.Tag(0x00280010), "US", 3, b"abc", 0, False, True)
    with silent_decoding(), pytest.raises(Held) as raised:
        boxes(dataset, Pixels(ctp_script=parse_script('{ Rows.equals("1") } (0,0,1,1)')))
    assert raised.value.reason is Reason.UNDECODABLE


def as_sent(dataset, *, implicit):
    """Return a data set as it is read from a file."""
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, implicit
    write_dataset(stream, dataset)
    stream.seek(0)
    return read_dataset(stream, implicit, True)


def private(vr, value, charset="ISO_IR 100"):
    """Return a header with one private attribute of a maker that no dictionary knows."""
    dataset = header("x")
    if charset is not None:
        dataset.SpecificCharacterSet = charset
    dataset.add_new(0x00090010, "LO", "ACME PRIVATE")
    dataset.add_new(0x00091001, vr, value)
    return dataset


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    ("value", "charset", "condition"),
    [
        ("MODELX", None, '[0009,1001].contains("MODELX")'),
        ("MODELX 7 ", None, '[0009,1001].equals("MODELX 7")'),
        (["A", "B"], None, '[0009,1001].equals("A\\B")'),
        ("Gerät", "ISO_IR 100", '[0009,1001].equals("Gerät")'),
        ("Ångström", "ISO_IR 192", '[0009,1001].endsWith("ström")'),
        ("装置", "GB18030", '[0009,1001].equals("装置")'),
        ("480", None, '[0009,1001].isLessThan("481")'),
        ("", None, '[0009,1001].equals("")'),
    ],
)
def test_a_private_attribute_is_asked_the_same_with_and_without_vrs(value, charset, condition, implicit):
    """Implicit VR gives bytes; they are text in the object's character set."""
    pixels = Pixels(ctp_script=parse_script("{" + condition + "} (0,0,9,9)"))
    dataset = as_sent(private("LO", value, charset), implicit=implicit)
    assert boxes(dataset, pixels) == [((0, 0, 9, 9), "mask:ctp:1")]


@pytest.mark.parametrize(
    ("vr", "value", "charset"),
    [
        ("US", 5, None),
        ("US", 65, None),
        ("FD", 1.5, None),
        ("UN", "Gerät".encode("latin1"), None),
        ("UN", "Gerät".encode("latin1"), "ISO_IR 192"),
        ("UN", b"MODELX\0\0", None),
    ],
)
def test_bytes_that_are_no_text_hold(vr, value, charset):
    """A condition that cannot be answered is not one that is false, and not true by a `!`."""
    for condition in ('[0009,1001].contains("X")', '![0009,1001].contains("X")'):
        pixels = Pixels(ctp_script=parse_script("{" + condition + "} (0,0,9,9)"))
        with silent_decoding(), pytest.raises(Held) as raised:
            boxes(as_sent(private(vr, value, charset), implicit=True), pixels)
        assert raised.value.reason is Reason.UNDECODABLE


def test_a_profile_with_a_script_alone_is_no_header_job():
    """Its pixels change."""
    pixels = Pixels(text=None, ctp_script=parse_script(SCRIPT))
    assert not changes_no_pixel(Profile(name="x", pixels=pixels))


def test_a_script_blanks_every_frame_and_the_record_names_its_rule(tmp_path):
    """Through the whole pipeline; the rectangle is in the plan that the record shows."""
    profile = RESEARCH.model_copy(update={"pixels": Pixels(ctp_script=parse_script(SCRIPT))})
    path = save_image(tmp_path / "in.dcm", speckle(3) + 10, ManufacturerModelName="ACME 7")
    result = deidentifier(reader=BlindReader(), profile=profile).run(received(path), tmp_path / "out.dcm")
    written = pydicom.dcmread(result.path).pixel_array
    assert not written[:, :20].any()
    assert np.array_equal(written[:, 20:150], pydicom.dcmread(path).pixel_array[:, 20:150])
    plan = result.findings.plan
    assert plan is not None
    assert [(one.frame_first, one.frame_last, one.box, one.rule) for one in plan.blanked] == [
        (0, 2, (0, 0, 240, 20), "mask:ctp:5"),
        (0, 2, (200, 150, 240, 160), "mask:ctp:5"),
    ]


def test_a_rule_of_the_script_is_a_fall_back_for_the_cone(tmp_path):
    """As a mask of the profile is."""
    cone = FixedCone(mask=np.zeros((160, 240), bool), confidence=0.0)
    profile = RESEARCH.model_copy(
        update={"pixels": Pixels(cone=Cone(fallback=("masks", "hold")), ctp_script=parse_script(SCRIPT))}
    )
    for model, fits in (("ACME 7", True), ("other", False)):
        path = save_image(tmp_path / "in.dcm", speckle(3) + 10, ManufacturerModelName=model)
        subject = deidentifier(reader=BlindReader(), cone=cone, profile=profile)
        if fits:
            plan = subject.run(received(path), tmp_path / "out.dcm").findings.plan
            assert plan is not None
            assert plan.kept_rule == "cone:masks"
        else:
            with pytest.raises(Held, match="cone_uncertain"):
                subject.run(received(path), tmp_path / "out.dcm")
