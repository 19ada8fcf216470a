"""Pixel data that was made to hurt: it ends in frames or in a reason, in little memory, and never ends the process."""

from __future__ import annotations

import resource
import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import get_frame
from pydicom.uid import ExplicitVRLittleEndian

from pipeline.frames.read import open_instance
from pipeline.frames.silence import quiet_libraries
from pipeline.reasons import Held, Reason
from tests.factories.pixels import US_CLIP, burn, image_header, save_image, speckle
from tests.peers.codecs import with_codestreams

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = speckle(3, rows=40, columns=56)
for frame in FRAMES:
    burn(frame, "AB", 2, 30)
MOST_MEMORY_KB = 400_000
"""More than one worker may ever take for objects of a few kilobytes."""


def _deflated(frame):
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(frame.tobytes()) + deflater.flush()


def _by_pydicom(frame, syntax):
    ds = image_header(frame[np.newaxis], sop_class=US_CLIP, photometric="MONOCHROME2")
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.PixelData = frame.tobytes()
    ds["PixelData"].VR = "OB"
    ds.compress(syntax, generate_instance_uid=False)
    return get_frame(ds.PixelData, 0, number_of_frames=1)


def _uid(number):
    return f"1.2.840.10008.1.2.4.{number}"


CODINGS = {
    "rle": ("1.2.840.10008.1.2.5", lambda frame: _by_pydicom(frame, "1.2.840.10008.1.2.5")),
    "baseline": (_uid(50), imagecodecs.jpeg8_encode),
    "lossless": (_uid(70), lambda frame: imagecodecs.jpeg8_encode(frame, lossless=True, predictor=1, bitspersample=8)),
    "jpeg-ls": (_uid(80), imagecodecs.jpegls_encode),
    "j2k": (_uid(90), lambda frame: imagecodecs.jpeg2k_encode(frame, reversible=True, codecformat="J2K")),
    "htj2k": (_uid(201), lambda frame: imagecodecs.htj2k_encode(frame, reversible=True)),
    "jpeg-xl": (_uid(110), lambda frame: imagecodecs.jpegxl_encode(frame, lossless=True, usecontainer=False)),
    "deflated": ("1.2.840.10008.1.2.8.1", _deflated),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder for this module's files."""
    return tmp_path_factory.mktemp("hostile")


@cache
def sound(folder: Path, coding: str) -> bytes:
    """Return the bytes of an object without fault: three frames, one fragment each, with an offset table."""
    syntax, encode = CODINGS[coding]
    native = save_image(folder / f"{coding}.native", FRAMES)
    path = with_codestreams(
        pydicom.dcmread(native), folder / f"{coding}.dcm", syntax, [bytes(encode(frame)) for frame in FRAMES]
    )
    return path.read_bytes()


def outcome(path: Path) -> int | Reason:
    """Return how many frames can be shown and copied, or the reason why none can."""
    try:
        with quiet_libraries(), open_instance(path) as opened:
            frames = opened.frames
            for index in range(len(frames) if frames is not None else 0):
                frames.renderings(index)
                frames.clean_codestream(index)
            return len(frames) if frames is not None else 0
    except Held as held:
        return held.reason
    except MemoryError:  # the pipeline's own name for it
        return Reason.RESOURCE_LIMIT


def memory_kb():
    """Return the most memory that this process ever took."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("coding", CODINGS)
def test_the_sound_objects_are_read(coding, folder):
    """What is damaged below is whole to begin with."""
    path = folder / "sound"
    path.write_bytes(sound(folder, coding))
    assert outcome(path) == len(FRAMES)


def _items(content: bytes) -> list[int]:
    """Return where every item of the pixel data begins, its delimiter too."""
    places, position = [], content.rindex(b"\xe0\x7f\x10\x00OB") + 12
    while content[position : position + 4] == b"\xfe\xff\x00\xe0":
        places.append(position)
        position += 8 + struct.unpack_from("<L", content, position + 4)[0]
    return [*places, position]


LENGTHS = st.one_of(st.sampled_from([0, 1, 3, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF]), st.integers(0, 9000))
DAMAGE = st.one_of(
    st.tuples(st.just("length"), st.integers(0, 4), LENGTHS),
    st.tuples(st.just("offset"), st.integers(0, 2), LENGTHS),
    st.tuples(st.just("tag"), st.integers(0, 4), st.integers(0, 0xFFFFFFFF)),
    st.tuples(st.just("drop"), st.integers(0, 4), st.integers(1, 40)),
    st.tuples(st.just("repeat"), st.integers(1, 3), st.integers(1, 5)),
    st.tuples(st.just("byte"), st.integers(0, 3), st.integers(0, 0xFFFFFF)),
    st.tuples(st.just("head"), st.integers(1, 3), st.integers(0, 0xFFFF)),
)


def damaged(content: bytes, kind: str, item: int, value: int) -> bytes:
    """Return an object with one fault in the structure of its pixel data, or in a codestream."""
    made, places = bytearray(content), _items(content)
    at = places[min(item, len(places) - 1)]
    following = places[min(item + 1, len(places) - 1)]
    match kind:
        case "length":
            struct.pack_into("<L", made, at + 4, value)
        case "offset":
            struct.pack_into("<L", made, places[0] + 8 + 4 * item, value)
        case "tag":
            struct.pack_into("<L", made, at, value)
        case "drop":
            del made[at : at + value]
        case "repeat":
            made[at:at] = content[at:following] * value
        case "byte" if following > at + 8:
            made[at + 8 + value % (following - at - 8)] ^= 1 + value % 255
        case "head":  # sizes, precisions and counts stand in the first bytes
            made[at + 8 + value % 48] = value >> 8
    return bytes(made)


@pytest.mark.parametrize("coding", CODINGS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(DAMAGE, min_size=1, max_size=3))
def test_damaged_fragments_tables_sizes_and_codestreams_end_in_frames_or_a_reason(coding, folder, faults):
    """Never another error, never the end of the process, and never much memory."""
    content = sound(folder, coding)
    for kind, item, value in faults:
        try:
            content = damaged(content, kind, item, value)
        except (struct.error, IndexError, ValueError):
            break  # an earlier fault left nothing there to damage
    path = folder / "damaged"
    path.write_bytes(content)
    before = memory_kb()

    ended = outcome(path)

    known = (Reason.UNDECODABLE, Reason.UNREADABLE, Reason.RESOURCE_LIMIT)
    assert ended in known or ended == len(FRAMES)
    assert memory_kb() - before < MOST_MEMORY_KB


def _siz(rows, columns):
    return struct.pack(">HHHHLLLLLLLLHBBB", 0xFF4F, 0xFF51, 41, 0, columns, rows, 0, 0, columns, rows, 0, 0, 1, 7, 1, 1)


BOMBS = {
    "a frame that inflates to a gigabyte": ("1.2.840.10008.1.2.8.1", None),
    "a JPEG that claims four thousand million pixels": (
        _uid(50),
        b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 11, 8, 65500, 65500, 1) + b"\x01\x11\x00\xff\xd9",
    ),
    "a JPEG 2000 that claims them": (_uid(90), _siz(65500, 65500) + b"\xff\xd9"),
    "a JPEG XL that claims a thousand million rows": (_uid(110), b"\xff\x0a\xfe\xff\xff\xff\xff\xff" + bytes(40)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_few_bytes_that_claim_gigabytes_take_no_memory(name, folder):
    """The header is modest, the codestream is not."""
    syntax, stream = BOMBS[name]
    if stream is None:
        deflater = zlib.compressobj(level=9, wbits=-15)
        stream = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(1024)) + deflater.flush()
    native = save_image(folder / "native", FRAMES[:1])
    path = with_codestreams(pydicom.dcmread(native), folder / "bomb", syntax, [stream])
    before = memory_kb()

    assert outcome(path) is Reason.UNDECODABLE
    assert memory_kb() - before < MOST_MEMORY_KB


def test_a_plane_with_a_run_too_many_is_undecodable(folder):
    """The decoder panics, which Python knows as no Exception; the process goes on."""
    samples = FRAMES[:1].astype(np.uint16)
    plane = b"\x81\x07" * (samples.size // 128) + bytes((257 - samples.size % 128,)) + b"\x07"
    first = plane + b"\x81\x07"
    stream = struct.pack("<16L", 2, 64, 64 + len(first), *[0] * 13) + first + plane
    native = save_image(folder / "native", samples)
    path = with_codestreams(pydicom.dcmread(native), folder / "run", "1.2.840.10008.1.2.5", [stream])

    assert outcome(path) is Reason.UNDECODABLE


def test_several_transfer_syntaxes_are_unreadable(folder):
    """A backslash in the name makes two of one."""
    path = save_image(folder / "named", FRAMES, syntax=ExplicitVRLittleEndian)
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840\\10008.1.2.1\0", 1)
    path.write_bytes(content)
    assert outcome(path) is Reason.UNREADABLE


def test_the_fragments_of_one_frame_are_joined_with_and_without_a_table(folder):
    """Several fragments a frame, of odd and even lengths, in every coding that a reader can join."""
    for coding in ("jpeg-ls", "j2k", "deflated"):
        syntax, encode = CODINGS[coding]
        stream = bytes(encode(FRAMES[0]))
        path = with_codestreams(
            pydicom.dcmread(save_image(folder / "native", FRAMES[:1])), folder / "joined", syntax, [stream]
        )
        ds = pydicom.dcmread(path)
        parts = [stream[at : at + 100] for at in range(0, len(stream), 100)]
        parts = [part + b"\0" * (len(part) % 2) for part in parts]
        ds.PixelData = struct.pack("<LL", 0xE000FFFE, 0) + b"".join(
            struct.pack("<LL", 0xE000FFFE, len(part)) + part for part in parts
        )
        whole, content = ds.PixelData, path.read_bytes()
        at = content.rindex(b"\xe0\x7f\x10\x00OB") + 12
        path.write_bytes(content[:at] + whole + b"\xfe\xff\xdd\xe0" + bytes(4))
        with quiet_libraries(), open_instance(path) as opened:
            assert opened.frames is not None
            assert np.array_equal(opened.frames.decoded(0).samples, FRAMES[0])


@pytest.mark.parametrize("process", [0xC5, 0xC9, 0xCA, 0xCB])
@pytest.mark.parametrize("number", [50, 51, 55, 57])
def test_arithmetic_and_hierarchical_jpeg_is_undecodable(process, number, folder):
    """No transfer syntax in use has it (PS3.5, 8.2.1); ours could decode some of it, and hardly a reader could."""
    stream = bytes(imagecodecs.jpeg8_encode(FRAMES[0]))
    foreign = stream.replace(b"\xff\xc0\x00\x0b", bytes((0xFF, process, 0, 11)), 1)
    assert foreign != stream
    path = with_codestreams(
        pydicom.dcmread(save_image(folder / "native", FRAMES[:1])), folder / "foreign", _uid(number), [foreign]
    )

    with open_instance(path) as opened:
        assert opened.frames is not None
        with pytest.raises(Held, match="process that its transfer syntax does not have"):
            opened.frames.decoded(0)


def jpeg_2000(side, *, tile=None, precinct=None, block=4):
    """Return a codestream of nothing but headers: `precinct` and `block` are exponents, as the standard writes them."""
    size = struct.pack(">8LHBBB", side, side, 0, 0, tile or side, tile or side, 0, 0, 1, 7, 1, 1)
    levels = 5
    precincts = b"" if precinct is None else bytes([precinct << 4 | precinct] * (levels + 1))
    style = struct.pack(">BBHBBBBBB", precinct is not None, 0, 1, 0, levels, block, block, 0, 1) + precincts
    steps = bytes([0x40] + [0x48] * (3 * levels + 1))
    segments = ((0xFF51, b"\0\0" + size), (0xFF52, style), (0xFF5C, steps))
    head = b"".join(struct.pack(">HH", marker, len(payload) + 2) + payload for marker, payload in segments)
    return b"\xff\x4f" + head + struct.pack(">HHHLBBH", 0xFF90, 10, 0, 0, 0, 1, 0xFF93) + bytes(1000) + b"\xff\xd9"


def progressive(side, scans):
    """Return a grey JPEG that goes through its blocks once and again, a few bytes each time."""
    blocks = ((side + 7) // 8) ** 2
    runs = ("0" + "1" * 14) * -(-blocks // 32767)
    runs += "1" * (-len(runs) % 8)
    coded = int("1" + runs, 2).to_bytes(len(runs) // 8 + 1, "big")[1:].replace(b"\xff", b"\xff\0")
    segments = (
        (0xDB, b"\0" + b"\1" * 64),
        (0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0"),
        (0xC4, bytes([0x00, 1, *[0] * 15, 0x00])),
        (0xC4, bytes([0x10, 1, *[0] * 15, 0xE0])),
        (0xDA, b"\1\1\0\0\0\0"),
    )
    made = b"".join(struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload for marker, payload in segments)
    scan = b"\xff\xda\0\x08\1\1\0\1\1\0" + coded
    return b"\xff\xd8" + made + bytes(blocks // 8 + 1) + scan * scans + b"\xff\xd9"


def decoded(folder, number, side, stream):
    """Return what becomes of a frame of which header and codestream say the same size, and the memory that it took."""
    ds = pydicom.dcmread(save_image(folder / "native", FRAMES[:1]))
    ds.Rows = ds.Columns = side
    path = with_codestreams(ds, folder / "parts", _uid(number), [stream])
    before = memory_kb()
    return outcome(path), memory_kb() - before


@pytest.mark.parametrize("number", [90, 201])
@pytest.mark.parametrize("parts", [{"precinct": 1}, {"precinct": 2, "block": 0}, {"tile": 16}, {"block": 0}])
def test_a_picture_in_millions_of_parts_is_undecodable(number, parts, folder):
    """Two kilobytes took two gigabytes."""
    result, memory = decoded(folder, number, 4000, jpeg_2000(4000, **parts))

    assert result is Reason.UNDECODABLE
    assert memory < MOST_MEMORY_KB // 10


@pytest.mark.parametrize("parts", [{}, {"precinct": 7}, {"tile": 64}, {"block": 2}])
def test_a_picture_in_as_many_parts_as_encoders_make_is_decoded(parts, folder):
    """Tiles and precincts of 64 and 128 pixels, code-blocks of 16."""
    assert decoded(folder, 90, 1000, jpeg_2000(1000, **parts))[0] == 1


@pytest.mark.parametrize(("scans", "result"), [(30, 1), (200, Reason.UNDECODABLE)])
def test_a_jpeg_of_endless_scans_is_undecodable(scans, result, folder):
    """A megabyte could keep a decoder busy for minutes."""
    assert decoded(folder, 55, 1000, progressive(1000, scans))[0] == result


def test_a_picture_of_tiles_without_size_is_undecodable(folder):
    """And not divided by."""
    stream = jpeg_2000(1000).replace(struct.pack(">4L", 1000, 1000, 0, 0), struct.pack(">4L", 0, 0, 0, 0))
    stream = stream.replace(bytes(16), struct.pack(">4L", 1000, 1000, 0, 0), 1)
    assert decoded(folder, 90, 1000, stream)[0] is Reason.UNDECODABLE
