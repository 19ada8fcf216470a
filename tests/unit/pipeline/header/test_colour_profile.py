"""An ICC profile keeps its colours and loses its texts, its dates and its makers."""

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.treatments.colour_profile import rebuilt
from tests.factories.headers import minimal, scrubbed, written
from tests.factories.search import find_planted

NAME = "Vorzibmurdax"
D50 = struct.pack(">4s4x3L", b"XYZ ", 0xF6D6, 0x10000, 0xD32D)


def profile(tags, *, version=2, space=b"RGB ", kind=b"mntr", connection=b"XYZ ", header=b""):
    """Return a profile of these tags, `header` in the places where makers sign."""
    body, table = b"", b""
    start = 132 + 12 * len(tags)
    for name, payload in tags.items():
        table += struct.pack(">4sLL", name, start + len(body), len(payload))
        body += payload + bytes(-len(payload) % 4)
    content = struct.pack(">L", len(tags)) + table + body
    signed = (header * 40)[:28].ljust(28, b"\0")
    return (
        struct.pack(">L4sBB2x", 128 + len(content), signed[:4], version, 0x40)
        + kind + space + connection + struct.pack(">6H", 2019, 4, 17, 10, 15, 30) + b"acsp"
        + signed[:4] + bytes(4) + signed[:8] + bytes(8) + bytes(4) + D50[8:] + signed[:4] + bytes(16) + signed
        + content
    )  # fmt: skip


def with_tags(source, extra, header=b""):
    """Return a profile with more tags."""
    (count,) = struct.unpack_from(">L", source, 128)
    entries = [struct.unpack_from(">4sLL", source, 132 + 12 * number) for number in range(count)]
    tags = {name: source[offset : offset + length] for name, offset, length in entries}
    return profile(tags | extra, version=source[8], space=source[16:20], header=header)


def curve(*values):
    """Return a curveType."""
    return struct.pack(f">4s4xL{len(values)}H", b"curv", len(values), *values) + bytes(-2 * len(values) % 4)


def small_table():
    """Return an 8-bit table of 2 points in 3 dimensions, to XYZ or Lab (lut8Type)."""
    ramp = bytes(range(256)) * 3
    corners = b"".join(bytes((40 + 90 * (i >> 2 & 1), 40 + 90 * (i >> 1 & 1), 40 + 90 * (i & 1))) for i in range(8))
    identity = struct.pack(">9L", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x10000)
    return b"mft1\0\0\0\0" + bytes((3, 3, 2, 0)) + identity + ramp + corners + ramp


def stages(hidden=b""):
    """Return curves, matrix, curves, table and curves (lutAToBType), with something between two of them."""
    flat = curve() * 3
    table = bytes((2, 2, 2)) + bytes(13) + bytes((1,)) + bytes(3) + bytes(range(24))
    matrix = struct.pack(">12l", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x10000, 0, 0, 0)
    start = 32
    places, body = [], b""
    for part in (flat, matrix, flat, table, flat):
        places.append(start + len(body))
        body += part + hidden + bytes(-(len(part) + len(hidden)) % 4)
    return struct.pack(">4s4xBB2x5L", b"mAB ", 3, 3, *places) + body


PROFILES = {
    "made by lcms, version 4": imagecodecs.cms_profile("srgb"),
    "version 2": imagecodecs.cms_profile("adobergb"),
    "of a camera": Path(str(get_testdata_file("crayons.icc"))).read_bytes(),
    "grey": profile({b"wtpt": D50, b"kTRC": curve(0x0233)}, space=b"GRAY"),
    "table": profile({b"wtpt": D50, b"A2B0": small_table()}, connection=b"Lab "),
    "stages": profile({b"wtpt": D50, b"A2B0": stages()}, version=4, connection=b"Lab "),
}
TEXTS = {
    b"desc": b"desc\0\0\0\0" + struct.pack(">L", len(NAME) + 1) + NAME.encode() + bytes(79),
    b"cprt": b"text\0\0\0\0" + NAME.encode() + b"\0",
    b"dmnd": b"mluc\0\0\0\0" + struct.pack(">LL4sLL", 1, 12, b"enUS", 24, 28) + NAME.encode("utf-16-be"),
    b"dmdd": b"utf8\0\0\0\0" + NAME.encode(),
    b"targ": b"text\0\0\0\0" + NAME.encode(),
    b"meta": b"dict\0\0\0\0" + NAME.encode(),
    b"ZZZZ": NAME.encode() * 3,
    b"view": b"view\0\0\0\0" + bytes(28) + NAME.encode(),
    b"bkpt": b"XYZ \0\0\0\0" + bytes(12) + NAME.encode(),
}


def shown(colours, icc):
    """Return what lcms makes of colours under a profile, in sRGB."""
    grey = icc[16:20] == b"GRAY"
    source = colours[..., 0] if grey else colours
    srgb = imagecodecs.cms_profile("srgb")
    return imagecodecs.cms_transform(source, icc, srgb, colorspace="gray" if grey else "rgb", outcolorspace="rgb")


@pytest.mark.parametrize("kind", PROFILES)
def test_colours_are_the_same_and_texts_are_gone(kind):
    """In every text, in every signature of the header, in tags of nobody, behind the numbers of a tag."""
    clean = PROFILES[kind]
    dirty = with_tags(clean, TEXTS, header=NAME.encode())
    dirty = dirty[:20] + clean[20:24] + dirty[24:]
    colours = np.random.default_rng(1).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    assert find_planted(dirty, [NAME]) == [NAME]

    result = rebuilt(dirty)

    assert find_planted(result, [NAME]) == []
    assert b"Vorz" not in result
    assert np.array_equal(shown(colours, result), shown(colours, clean))


@pytest.mark.parametrize("kind", PROFILES)
def test_rebuilding_twice_is_rebuilding_once(kind):
    """Nothing is left to remove."""
    once = rebuilt(PROFILES[kind])

    assert rebuilt(once) == once
    assert struct.unpack_from(">L", once)[0] == len(once)


def test_bytes_between_the_stages_of_a_transform_become_zero():
    """Offsets leave room."""
    result = rebuilt(profile({b"wtpt": D50, b"A2B0": stages(NAME.encode())}, version=4, connection=b"Lab "))

    assert find_planted(result, [NAME]) == []


@pytest.mark.parametrize(
    "broken",
    [
        NAME.encode() * 20,
        PROFILES["version 2"][:100],
        PROFILES["version 2"][:200],
        PROFILES["version 2"].replace(b"acsp", b"acsq"),
        PROFILES["version 2"].replace(b"mntr", b"nmcl"),
        PROFILES["version 2"].replace(b"rTRC", b"xTRC"),
        PROFILES["version 2"][:128] + b"\xff\xff\xff\xff" + PROFILES["version 2"][132:],
        profile({b"kTRC": struct.pack(">4s4xL", b"curv", 1 << 30)}, space=b"GRAY"),
        profile({b"A2B0": small_table()[:100]}),
        profile({b"A2B0": b"mAB \0\0\0\0\xff\xff" + bytes(22)}),
        profile({b"A2B0": b"mpet\0\0\0\0" + bytes(100)}),
    ],
)
def test_what_is_no_profile_goes(broken):
    """Cut, damaged, of a kind that holds names of colours, or without a transform."""
    result = scrubbed(minimal(ICCProfile=broken)).dataset

    assert "ICCProfile" not in result


def test_profiles_are_cleaned_wherever_they_stand():
    """At the top and in the optical paths of a slide."""
    path = Dataset()
    path.ICCProfile = with_tags(PROFILES["version 2"], TEXTS)
    source = minimal(ICCProfile=with_tags(PROFILES["of a camera"], TEXTS), OpticalPathSequence=Sequence([path]))

    result = scrubbed(source).dataset

    assert find_planted(written(result), [NAME]) == []
    assert result.ICCProfile[36:40] == result.OpticalPathSequence[0].ICCProfile[36:40] == b"acsp"


def test_a_curve_that_spells_the_patients_name_goes():
    """Numbers are bytes to whoever looks at the file."""
    spelled = struct.pack(">4s4xL", b"curv", 6) + NAME.encode()
    grey = profile({b"wtpt": D50, b"kTRC": spelled}, space=b"GRAY")

    assert "ICCProfile" in scrubbed(minimal(ICCProfile=grey)).dataset
    assert "ICCProfile" not in scrubbed(minimal(ICCProfile=grey, PatientName=f"{NAME}^Jo")).dataset
