"""Whatever a file looks like around its data set and between its frames: it is processed or held, and leaks nothing."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from pipeline.reasons import Held, Reason
from tests.factories.pixels import JPEG_BASELINE, BlindReader, deidentifier, encapsulated, received, save_image, speckle
from tests.factories.raw import part10
from tests.factories.search import find_planted

NAME = "Vorzibmurdax"
OTHER = "Quatynlekpho"
"""Stands in no attribute, so that no comparison with identifiers can find it: it must go by construction."""
FRAMES = speckle(2, 64, 96)
SINGLE = FRAMES[:1]
JPEG_LOSSLESS_ANY = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
HTJ2K = "1.2.840.10008.1.2.4.201"
RLE = "1.2.840.10008.1.2.5"
NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
ENCODERS = {
    JPEG_BASELINE: lambda frame: imagecodecs.jpeg_encode(frame, level=95),
    JPEG_LOSSLESS: imagecodecs.ljpeg_encode,
    JPEG_LS: imagecodecs.jpegls_encode,
    JPEG_2000: lambda frame: imagecodecs.jpeg2k_encode(frame, level=0, reversible=True, codecformat="j2k"),
    HTJ2K: imagecodecs.htj2k_encode,
}


def run(tmp_path, raw):
    """Return the bytes of the result, or raise."""
    (tmp_path / "in.dcm").write_bytes(raw)
    result = deidentifier(reader=BlindReader()).run(received(tmp_path / "in.dcm"), tmp_path / "out.dcm")
    return result.path.read_bytes()


def clean(tmp_path, raw):
    """Return the data set of the result, which holds nothing that was planted."""
    written = run(tmp_path, raw)
    assert find_planted(written, [NAME, OTHER, "PID-4711"]) == []
    assert written[:128] == bytes(128)
    return pydicom.dcmread(io.BytesIO(written))


def saved(tmp_path, syntax=ExplicitVRLittleEndian, frames=FRAMES, **attributes):
    """Return the bytes of an object of a syntax."""
    path = tmp_path / "source.dcm"
    if syntax != ExplicitVRBigEndian:
        if syntax in ENCODERS:
            codestreams = [ENCODERS[syntax](frame) for frame in frames]
            return coded(tmp_path, syntax, codestreams, frames, **attributes)
        return save_image(path, frames, syntax=syntax, **attributes).read_bytes()
    dataset = pydicom.dcmread(save_image(path, frames, **attributes))
    dataset.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(path, dataset, implicit_vr=False, little_endian=False, enforce_file_format=True)
    return path.read_bytes()


def coded(tmp_path, syntax, codestreams, frames=SINGLE, tail=b"", **attributes):
    """Return the bytes of an object of these codestreams, with `tail` behind its last fragment."""
    path = save_image(tmp_path / "plain.dcm", frames, **attributes)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulated(list(codestreams)) + tail
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)
    return path.read_bytes()


def data_set_at(raw):
    """Return where the data set starts."""
    return 144 + struct.unpack_from("<L", raw, 140)[0]


@pytest.mark.parametrize("syntax", [*NATIVE, RLE, *ENCODERS])
def test_preamble_meta_and_what_follows_the_data_set_stay_behind(syntax, tmp_path):
    """TIFF in the preamble, AE titles and private information in the meta group, bytes and elements at the end."""
    dataset = pydicom.dcmread(io.BytesIO(saved(tmp_path, syntax)))
    dataset.preamble = b"II*\0" + OTHER.encode() * 10 + bytes(4)
    dataset.file_meta.SourceApplicationEntityTitle = OTHER.upper()
    dataset.file_meta.SendingApplicationEntityTitle = OTHER
    dataset.file_meta.ReceivingApplicationEntityTitle = OTHER
    dataset.file_meta.SourcePresentationAddress = f"dicom://{OTHER}.example:104"
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.4.5"
    dataset.file_meta.PrivateInformation = OTHER.encode() * 3
    dataset.file_meta.ImplementationVersionName = OTHER
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    padding = struct.pack("<HH2sHL", 0xFFFC, 0xFFFC, b"OB", 0, len(OTHER)) + OTHER.encode()

    result = clean(tmp_path, buffer.getvalue() + padding + OTHER.encode() * 7)

    assert result.file_meta.TransferSyntaxUID == syntax
    assert len(result.file_meta) == 7


@pytest.mark.parametrize("length", [0, 5, 50_000])
@pytest.mark.parametrize("syntax", NATIVE)
def test_a_wrong_length_of_the_meta_group_is_no_obstacle(syntax, length, tmp_path):
    """Where the group ends is seen from its elements."""
    raw = saved(tmp_path, syntax)

    result = clean(tmp_path, raw[:140] + struct.pack("<L", length) + raw[144:])

    assert np.array_equal(result.pixel_array, FRAMES)


@pytest.mark.parametrize("syntax", [*NATIVE, RLE, *ENCODERS])
def test_an_object_without_preamble_is_processed(syntax, tmp_path):
    """The meta group stands at the start of the file."""
    raw = saved(tmp_path, syntax)

    assert clean(tmp_path, raw[132:]).file_meta.TransferSyntaxUID == syntax


@pytest.mark.parametrize("with_preamble", [True, False])
@pytest.mark.parametrize("syntax", [*NATIVE[:3], RLE, *ENCODERS])
def test_an_object_without_meta_is_read_by_what_its_bytes_say(syntax, with_preamble, tmp_path):
    """Native: VR and byte order of the first element. Encapsulated: the codestream's own markers."""
    raw = saved(tmp_path, syntax)
    start = raw[:132] if with_preamble else b""

    result = clean(tmp_path, start + raw[data_set_at(raw) :])

    names = (syntax, JPEG_LOSSLESS_ANY) if syntax == JPEG_LOSSLESS else (syntax,)  # by the predictor that was used
    assert result.file_meta.TransferSyntaxUID in names
    if syntax in NATIVE:
        assert np.array_equal(result.pixel_array, FRAMES)


@pytest.mark.parametrize(
    "fragment", [OTHER.encode() * 20, b"\xff\xd8\xff\xd9" * 10, b"\xff\x4f\xff\x90" * 20, bytes(80)]
)
def test_pixels_of_no_known_coding_without_meta_are_held(fragment, tmp_path):
    """A guess that nothing proves is none."""
    raw = coded(tmp_path, RLE, [fragment])

    with pytest.raises(Held) as caught:
        run(tmp_path, raw[data_set_at(raw) :])
    assert caught.value.reason is Reason.UNDECODABLE


def test_a_deflated_object_without_meta_is_held(tmp_path):
    """Compressed bytes do not say what they are."""
    raw = saved(tmp_path, DeflatedExplicitVRLittleEndian)

    with pytest.raises(Held) as caught:
        run(tmp_path, raw[data_set_at(raw) :])
    assert caught.value.reason is Reason.UNREADABLE


@pytest.mark.parametrize("syntax", NATIVE)
def test_bytes_beyond_the_last_native_frame_stay_behind(syntax, tmp_path):
    """Pixel data that is longer than rows, columns and frames say."""
    raw = saved(tmp_path, syntax, pixel_bytes=FRAMES.tobytes() + OTHER.encode() * 3)

    result = clean(tmp_path, raw)

    assert len(result.PixelData) == FRAMES.size
    assert np.array_equal(result.pixel_array, FRAMES)


def test_text_in_the_tail_of_the_inflated_stream_stays_behind(tmp_path):
    """A data set of its own behind the pixel data, inside the compression."""
    raw = saved(tmp_path, ExplicitVRLittleEndian)
    at = data_set_at(raw)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    tail = struct.pack("<HH2sHL", 0xFFFC, 0xFFFC, b"OB", 0, len(OTHER)) + OTHER.encode()
    body = deflater.compress(raw[at:] + tail + OTHER.encode()) + deflater.flush()
    meta = saved(tmp_path, DeflatedExplicitVRLittleEndian)

    clean(tmp_path, meta[: data_set_at(meta)] + body + OTHER.encode())


def marked(codestream, *segments):
    """Return a JPEG with more marker segments behind its start."""
    extra = b"".join(struct.pack(">BBH", 0xFF, code, 2 + len(payload)) + payload for code, payload in segments)
    return codestream[:2] + extra + codestream[2:]


JPEG_PLACES = {
    "comment": [(0xFE, OTHER.encode())],
    **{f"APP{number}": [(0xE0 + number, b"Exif\0\0" + OTHER.encode())] for number in range(16)},
    "JFIF thumbnail": [(0xE0, b"JFIF\0\1\1\0\0\1\0\1\x02\x02" + OTHER.encode())],
    "JFXX": [(0xE0, b"JFXX\0\x10" + OTHER.encode())],
    "Adobe": [(0xEE, b"Adobe" + OTHER.encode())],
    "JPG extensions": [(code, OTHER.encode()) for code in range(0xF0, 0xF7)],
    "reserved": [(0x02, OTHER.encode()), (0xBF, OTHER.encode())],
}


@pytest.mark.parametrize("place", JPEG_PLACES)
@pytest.mark.parametrize("syntax", [JPEG_BASELINE, JPEG_LOSSLESS, JPEG_LS])
def test_text_in_segments_of_a_jpeg_goes_and_its_picture_stays(syntax, place, tmp_path):
    """Whatever the segment is called; nothing of it is found in the file, and every sample is."""
    stream = ENCODERS[syntax](SINGLE[0])
    expected = pydicom.dcmread(io.BytesIO(coded(tmp_path, syntax, [stream]))).pixel_array

    result = clean(tmp_path, coded(tmp_path, syntax, [marked(stream, *JPEG_PLACES[place])]))

    assert result.file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(result.pixel_array, expected)


@pytest.mark.parametrize("syntax", ENCODERS)
@pytest.mark.parametrize("place", ["behind the end", "second fragment", "item beyond the frames"])
def test_nothing_stands_behind_the_last_marker(syntax, place, tmp_path):
    """Between EOI and the fragment's end, and in fragments that the frame does not need."""
    stream = ENCODERS[syntax](SINGLE[0])
    raw = {
        "behind the end": coded(tmp_path, syntax, [stream + OTHER.encode() * 2]),
        "second fragment": coded(tmp_path, syntax, [stream, OTHER.encode() * 2]),
        "item beyond the frames": coded(tmp_path, syntax, [stream], tail=encapsulated([OTHER.encode() * 2])),
    }[place]
    expected = pydicom.dcmread(io.BytesIO(coded(tmp_path, syntax, [stream]))).pixel_array

    assert np.array_equal(clean(tmp_path, raw).pixel_array, expected)


@pytest.mark.parametrize("syntax", ENCODERS)
@pytest.mark.parametrize("frames", [1, 2])
def test_more_images_than_frames_hold_the_object(syntax, frames, tmp_path):
    """Nobody would look at them."""
    streams = [ENCODERS[syntax](SINGLE[0])] * (frames + 1)

    with pytest.raises(Held) as caught:
        run(tmp_path, coded(tmp_path, syntax, streams, FRAMES[:frames]))
    assert caught.value.reason is Reason.UNDECODABLE
    assert not (tmp_path / "out.dcm").exists()


@pytest.mark.parametrize("syntax", [JPEG_2000, HTJ2K])
@pytest.mark.parametrize("marker", [0xFF64, 0xFF56, 0xFF59, 0xFF63, 0xFF6F])
def test_text_in_segments_of_jpeg_2000_goes(syntax, marker, tmp_path):
    """Comments, profiles, registration, what no standard knows."""
    stream = ENCODERS[syntax](SINGLE[0])
    at = stream.index(b"\xff\x52")
    payload = OTHER.encode()
    dirty = stream[:at] + struct.pack(">HHH", marker, 4 + len(payload), 1) + payload + stream[at:]

    result = clean(tmp_path, coded(tmp_path, syntax, [dirty]))

    assert np.array_equal(result.pixel_array, SINGLE[0])


def test_boxes_around_a_jpeg_2000_codestream_go(tmp_path):
    """JP2 with XML, UUID and resolution boxes, as some devices put it into a fragment."""
    plain = ENCODERS[JPEG_2000](SINGLE[0])
    boxed = imagecodecs.jpeg2k_encode(SINGLE[0], level=0, reversible=True, codecformat="jp2")
    at = boxed.index(b"jp2c") - 4
    text = OTHER.encode()
    boxes = b"".join(
        struct.pack(">L4s", 8 + len(content), kind) + content
        for kind, content in ((b"xml ", text), (b"uuid", bytes(16) + text), (b"asoc", text), (b"free", text))
    )
    dirty = boxed[:at] + boxes + boxed[at:]

    result = clean(tmp_path, coded(tmp_path, JPEG_2000, [dirty]))

    fragment = pydicom.encaps.get_frame(result.PixelData, 0, number_of_frames=1)
    assert fragment.startswith(b"\xff\x4f")
    assert len(fragment) <= len(plain) + 1
    assert np.array_equal(result.pixel_array, SINGLE[0])


@pytest.mark.parametrize("change", ["palette", "no codestream", "cut"])
def test_boxes_that_cannot_be_taken_away_hold_the_object(change, tmp_path):
    """A palette changes what the samples mean."""
    boxed = imagecodecs.jpeg2k_encode(SINGLE[0], level=0, reversible=True, codecformat="jp2")
    broken = {
        "palette": boxed.replace(b"colr", b"pclr"),
        "no codestream": boxed.replace(b"jp2c", b"free"),
        "cut": boxed[: boxed.index(b"jp2c") + 2],
    }[change]

    with pytest.raises(Held) as caught:
        run(tmp_path, coded(tmp_path, JPEG_2000, [broken]))
    assert caught.value.reason is Reason.UNDECODABLE


def test_text_between_and_behind_run_lengths_goes(tmp_path):
    """The segments' offsets leave room, and so does the fragment's end."""
    source = pydicom.dcmread(io.BytesIO(saved(tmp_path, RLE, SINGLE)))
    stream = pydicom.encaps.get_frame(source.PixelData, 0, number_of_frames=1)
    gap = OTHER.encode()
    dirty = struct.pack("<16L", 1, 64 + len(gap), *[0] * 14) + gap + stream[64:] + gap

    result = clean(tmp_path, coded(tmp_path, RLE, [dirty]))

    assert np.array_equal(result.pixel_array, SINGLE[0])


def test_text_in_the_unused_offsets_of_run_lengths_goes(tmp_path):
    """Fourteen of the fifteen offsets of a grey frame mean nothing."""
    source = pydicom.dcmread(io.BytesIO(saved(tmp_path, RLE, SINGLE)))
    stream = pydicom.encaps.get_frame(source.PixelData, 0, number_of_frames=1)

    result = clean(tmp_path, coded(tmp_path, RLE, [stream[:12] + OTHER.encode() + stream[24:]]))

    assert np.array_equal(result.pixel_array, SINGLE[0])


def test_boxes_around_and_bytes_behind_a_jpeg_xl_codestream_go(tmp_path):
    """It is always coded again, also where nothing is redacted: nobody takes it apart."""
    box = struct.pack(">L4s", 8 + len(OTHER), b"xml ") + OTHER.encode()
    picture = imagecodecs.jpegxl_encode(SINGLE[0], lossless=True, usecontainer=True)
    raw = coded(tmp_path, RLE, [picture + box])
    named = part10("1.2.840.10008.1.2.4.110", raw[data_set_at(raw) :])
    assert OTHER.encode() in named

    result = clean(tmp_path, named)

    stream = pydicom.encaps.get_frame(result.PixelData, 0, number_of_frames=1)
    assert stream.startswith(b"\xff\x0a")
    assert np.array_equal(imagecodecs.jpegxl_decode(stream), SINGLE[0])


@pytest.mark.parametrize(
    ("code", "payload"),
    [(0xDB, bytes(65) + OTHER.encode()), (0xC4, bytes(17) + OTHER.encode()), (0xDD, OTHER.encode() * 200)],
)
def test_a_table_that_is_longer_than_it_says_holds_the_object(code, payload, tmp_path):
    """Decoders refuse some and step over others."""
    with pytest.raises(Held) as caught:
        run(tmp_path, coded(tmp_path, JPEG_BASELINE, [marked(ENCODERS[JPEG_BASELINE](SINGLE[0]), (code, payload))]))
    assert caught.value.reason is Reason.UNDECODABLE
