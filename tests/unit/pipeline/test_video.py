"""MPEG-2, H.264 and HEVC: blanked in every frame, coded again in kind, and nothing beside the pictures leaves."""

from __future__ import annotations

import builtins
import io
import tracemalloc
from dataclasses import replace

import av
import cv2
import numpy as np
import pydicom
import pytest

from config.schema import Cone, Pixels
from pipeline.frames.read import open_instance
from pipeline.frames.video.writing import code_again
from pipeline.reasons import Held, Reason
from tests.factories.pixels import US_CLIP, FixedCone, WhiteReader, deidentifier, received
from tests.factories.profiles import RESEARCH
from tests.factories.video import (
    COLUMNS,
    NAME_BOX,
    ROWS,
    SECRET,
    Recipe,
    clip,
    coded,
    hevc_sei_of_user_data,
    sei_of_user_data,
    stream_of,
    user_data,
    video_object,
    with_units_before,
)

FRAMES = 6
MPEG_2, MPEG_2_HIGH = "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101"
AVC, AVC_DISC, AVC_42 = (f"1.2.840.10008.1.2.4.{number}" for number in (102, 103, 104))
HEVC, HEVC_10 = "1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108"
IN_TRANSPORT = Recipe(codec="mpeg2video", container="mpegts", audio=True)
X264 = Recipe(codec="libx264", container="mp4")
X265 = Recipe(codec="libx265", container="mp4", options={"x265-params": "log-level=none"})
KINDS = {
    "MPEG-2, transport stream": (MPEG_2, IN_TRANSPORT),
    "MPEG-2, program stream": (MPEG_2_HIGH, Recipe(codec="mpeg2video", container="vob", audio=True)),
    "MPEG-2, no container": (MPEG_2, Recipe(codec="mpeg2video", container="mpeg2video")),
    "H.264, MP4": (AVC, replace(X264, audio=True)),
    "H.264, full range": (AVC_42, replace(X264, full_range=True)),
    "H.264, interlaced": (AVC, replace(X264, options={"x264-params": "tff=1"})),
    "H.264 for discs, transport stream": (AVC_DISC, replace(X264, container="mpegts", audio=True)),
    "H.264, fragmentable, no container": (AVC + ".1", replace(X264, container="h264")),
    "HEVC, MP4": (HEVC, replace(X265, audio=True)),
    "HEVC, 10 bits, transport stream": (HEVC_10, replace(X265, container="mpegts", format="yuv420p10le")),
}
LEFT, TOP, RIGHT, BOTTOM = NAME_BOX


def make(path, syntax, recipe, *, bar=True, stream=None, frames=FRAMES, **attributes):
    """Write a video object that shows `clip`; return its path and stream."""
    stream = coded(clip(frames, bar=bar), recipe) if stream is None else stream
    bits = 10 if recipe.format.endswith("10le") else 8
    return video_object(path, stream, syntax, frames=frames, bits=bits, **attributes), stream


def run(path, out, **settings):
    """De-identify with a reader that takes white for text."""
    return deidentifier(reader=WhiteReader(level=185, strict_level=185), **settings).run(received(path), out)


def luminance(stream):
    """Return (frames, rows, columns) as coded, by the library's own opening and conversion."""
    with av.open(io.BytesIO(stream)) as opened:
        pictures = [picture.reformat(format="yuv420p").to_ndarray() for picture in opened.decode(video=0)]
    return np.stack(pictures)[:, :ROWS].astype(np.int16)


@pytest.mark.parametrize(("syntax", "recipe"), KINDS.values(), ids=KINDS)
def test_text_is_black_in_every_frame_and_the_rest_is_as_it_was_to_the_eye(tmp_path, syntax, recipe):
    """Same syntax, same number of frames, no text, no planted identifier; above 40 dB outside what is blanked."""
    path, stream = make(tmp_path / "in.dcm", syntax, replace(recipe, planted=True))
    assert SECRET in path.read_bytes()

    result = run(path, tmp_path / "out.dcm")

    before, after = luminance(stream), luminance(stream_of(result.path))
    assert after.shape == before.shape
    darkest = 0 if recipe.full_range else 16
    assert after[:, TOP:BOTTOM, LEFT:RIGHT].max() <= darkest + 8
    noise = np.mean(np.square(after[:, BOTTOM + 24 :] - before[:, BOTTOM + 24 :]), axis=(1, 2))
    assert noise.max() <= 255**2 / 10**4.0
    written = pydicom.dcmread(result.path, stop_before_pixels=True)
    assert written.file_meta.TransferSyntaxUID == syntax
    assert SECRET not in result.path.read_bytes()
    assert SECRET.split(b"^")[0] not in result.path.read_bytes()


@pytest.mark.parametrize("syntax", [MPEG_2, AVC, HEVC])
def test_a_video_that_is_coded_again_says_so(tmp_path, syntax):
    """(0028,2110/2112/2114) have a second step, Derivation Description names it, the record the audio."""
    recipe = {MPEG_2: IN_TRANSPORT, AVC: replace(X264, audio=True), HEVC: replace(X265, audio=True)}[syntax]
    path, _ = make(tmp_path / "in.dcm", syntax, recipe, LossyImageCompressionRatio="50")

    result = run(path, tmp_path / "out.dcm")

    written = pydicom.dcmread(result.path, stop_before_pixels=True)
    assert written.LossyImageCompression == "01"
    assert len(written.LossyImageCompressionRatio) == 2
    assert written.LossyImageCompressionRatio[0] == 50
    assert len(set(written.LossyImageCompressionMethod)) == 1
    assert "coded again with loss" in written.DerivationDescription
    assert "removed from the video: audio" in written.DerivationDescription
    assert result.findings.plan.dropped == ("audio",)
    assert "DERIVED" in written.ImageType


@pytest.mark.parametrize(
    ("syntax", "recipe", "start", "unit"),
    [
        (MPEG_2, Recipe(codec="mpeg2video", container="mpeg2video"), b"\0\0\1\0", user_data()),
        (AVC, replace(X264, container="h264"), b"\0\0\0\1\x67", sei_of_user_data()),
        (HEVC, replace(X265, container="hevc"), b"\0\0\0\1\x40\x01", hevc_sei_of_user_data()),
    ],
    ids=["MPEG-2", "H.264", "HEVC"],
)
def test_where_there_is_no_text_the_pictures_are_copied_without_what_is_none(tmp_path, syntax, recipe, start, unit):
    """User data go; every sample stays."""
    stream = with_units_before(coded(clip(FRAMES, bar=False), recipe), start, unit)
    path, _ = make(tmp_path / "in.dcm", syntax, recipe, stream=stream)
    assert SECRET in path.read_bytes()

    result = run(path, tmp_path / "out.dcm")

    written = stream_of(result.path)
    assert np.array_equal(luminance(written), luminance(stream))
    assert SECRET not in result.path.read_bytes()
    header = pydicom.dcmread(result.path, stop_before_pixels=True)
    assert "again" not in str(header.get("DerivationDescription"))


@pytest.mark.parametrize(("syntax", "recipe"), [(MPEG_2, IN_TRANSPORT), (AVC, X264), (HEVC, X265)])
def test_the_same_video_gives_the_same_bytes_whatever_lies_in_memory(tmp_path, syntax, recipe):
    """Coded again, among memory that others left: an encoder that reads what nobody wrote betrays itself."""
    path, _ = make(tmp_path / "in.dcm", syntax, recipe)
    dice = np.random.default_rng(3)
    left: list[np.ndarray] = []
    written = set()
    for number in range(16):
        left.append(np.full(int(dice.integers(1000, 3_000_000)), int(dice.integers(256)), np.uint8))
        del left[: int(dice.integers(2)) + (number > 4)]
        with open_instance(path) as opened:
            stream = io.BytesIO()
            opened.frames.decoded(0)
            code_again(opened.frames, lambda _index: np.zeros((ROWS, COLUMNS), bool), stream)
            written.add(stream.getvalue())

    assert len(written) == 1


def test_a_stream_in_several_fragments_is_one_stream(tmp_path):
    """Split anywhere, it is read as if it were whole; written back it is decoded by another build of the library."""
    stream = coded(clip(FRAMES), X264)
    path = video_object(tmp_path / "in.dcm", stream, AVC + ".1", frames=FRAMES, fragments=5)

    result = run(path, tmp_path / "out.dcm")

    (tmp_path / "out.mp4").write_bytes(stream_of(result.path))
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    shown = [capture.read()[1] for _ in range(FRAMES)]
    assert capture.read()[0] is False
    assert max(int(one[TOP:BOTTOM, LEFT:RIGHT].max()) for one in shown) <= 16


def test_a_name_that_flashes_on_one_frame_is_blanked_there(tmp_path):
    """The other frames keep what is there."""
    pictures = clip(12, bar=False)
    pictures[7, TOP:BOTTOM, LEFT:RIGHT] = 235
    stream = coded(pictures, X264)
    path, _ = make(tmp_path / "in.dcm", AVC, X264, stream=stream, frames=12)

    result = run(path, tmp_path / "out.dcm")

    after = luminance(stream_of(result.path))[:, TOP:BOTTOM, LEFT:RIGHT]
    assert after[7].max() <= 24
    assert {found.frame_first for found in result.findings.text} == {7}
    assert all(after[index].mean() > 60 for index in range(12) if index not in (6, 7, 8))


def test_around_the_cone_it_is_black_and_never_cropped(tmp_path):
    """The profile crops; a video's size stays."""
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[64:256, 64:288] = True
    cone = Cone(apply_to=("US",), blank_outside=True, crop=True, keep_regions=(), fallback=("hold",))
    profile = RESEARCH.model_copy(update={"pixels": Pixels(cone=cone)})
    pictures = clip(FRAMES, bar=False)
    pictures[:, ~mask] = 100
    path, _ = make(tmp_path / "in.dcm", AVC, X264, stream=coded(pictures, X264), Modality="US", SOPClassUID=US_CLIP)

    result = run(path, tmp_path / "out.dcm", cone=FixedCone(mask=mask, confidence=0.9), profile=profile)

    header = pydicom.dcmread(result.path, stop_before_pixels=True)
    assert (header.Rows, header.Columns) == (ROWS, COLUMNS)
    after = luminance(stream_of(result.path))
    assert after[:, :60].max() <= 24
    assert after[:, 80:240, 80:270].mean() > 60


class Refused:
    """Videos that are held, by what is wrong."""

    @staticmethod
    def fewer_frames(path):
        """The header says more."""
        return video_object(path, coded(clip(FRAMES), X264), AVC, frames=FRAMES + 1)

    @staticmethod
    def more_frames(path):
        """The header says less: what is beyond would leave unseen."""
        return video_object(path, coded(clip(FRAMES), X264), AVC, frames=FRAMES - 1)

    @staticmethod
    def other_size(path):
        """The header is of a smaller picture."""
        return video_object(path, coded(clip(FRAMES), X264), AVC, frames=FRAMES, shape=(ROWS - 16, COLUMNS))

    @staticmethod
    def other_codec(path):
        """H.264 called MPEG-2."""
        return video_object(path, coded(clip(FRAMES), X264), MPEG_2, frames=FRAMES)

    @staticmethod
    def two_videos(path):
        """A second one would leave unseen."""
        file = io.BytesIO()
        with av.open(file, "w", format="mp4") as output:
            streams = [output.add_stream("libx264", rate=25) for _ in range(2)]
            for stream in streams:
                stream.height, stream.width, stream.pix_fmt = ROWS, COLUMNS, "yuv420p"
            for stream in streams:
                for index in range(FRAMES):
                    frame = av.VideoFrame(COLUMNS, ROWS, "yuv420p")
                    frame.pts = index
                    output.mux(stream.encode(frame))
                output.mux(stream.encode(None))
        return video_object(path, file.getvalue(), AVC, frames=FRAMES)

    @staticmethod
    def cut(path):
        """The last third is missing."""
        stream = coded(clip(FRAMES), replace(X264, container="mpegts"))
        return video_object(path, stream[: len(stream) * 2 // 3], AVC, frames=FRAMES)

    @staticmethod
    def damaged(path):
        """Bytes in the middle are others."""
        stream = bytearray(coded(clip(FRAMES), Recipe(codec="mpeg2video", container="mpeg2video")))
        middle = len(stream) // 2
        stream[middle : middle + 400] = bytes(range(200, 240)) * 10
        return video_object(path, bytes(stream), MPEG_2, frames=FRAMES)

    @staticmethod
    def list_of_files(path):
        """A play list names other files; the library knows dozens of such formats."""
        return video_object(path, b"ffconcat version 1.0\nfile /etc/passwd\n" + bytes(300), AVC, frames=FRAMES)

    @staticmethod
    def nothing(path):
        """No byte."""
        return video_object(path, b"", AVC, frames=FRAMES)

    @staticmethod
    def other_colour(path):
        """4:2:2 is no colour of these syntaxes."""
        recipe = Recipe(codec="libx264", container="mp4")
        file = io.BytesIO()
        with av.open(file, "w", format="mp4") as output:
            stream = output.add_stream(recipe.codec, rate=25)
            stream.height, stream.width, stream.pix_fmt = ROWS, COLUMNS, "yuv422p"
            for index in range(FRAMES):
                frame = av.VideoFrame(COLUMNS, ROWS, "yuv422p")
                frame.pts = index
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return video_object(path, file.getvalue(), AVC, frames=FRAMES)


WRONG = [name for name in vars(Refused) if not name.startswith("_")]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_video_that_is_not_as_it_says_is_held(tmp_path, wrong):
    """Held as undecodable, with nothing written."""
    path = getattr(Refused, wrong)(tmp_path / "in.dcm")

    with pytest.raises(Held) as held:
        run(path, tmp_path / "out.dcm")

    assert held.value.reason is Reason.UNDECODABLE
    assert not (tmp_path / "out.dcm").exists()


@pytest.mark.parametrize("container", ["mp4", "mpegts", "h264"])
def test_a_picture_larger_than_the_header_says_takes_no_memory(tmp_path, container):
    """A hundred million pixels in a few kilobytes."""
    recipe = Recipe(codec="libx264", container=container, options={"preset": "ultrafast"})
    stream = coded(np.full((1, 8192, 12288), 90, np.uint8), recipe)
    path = video_object(tmp_path / "in.dcm", stream, AVC, frames=1)

    with pytest.raises(Held) as held:
        run(path, tmp_path / "out.dcm")

    assert held.value.reason is Reason.UNDECODABLE
    assert "opened" in held.value.note or "decoded" in held.value.note


def test_frames_are_not_all_in_memory(tmp_path):
    """A hundred frames take what ten take."""

    def peak(frames):
        path, _ = make(tmp_path / f"{frames}.dcm", AVC, X264, frames=frames)
        tracemalloc.start()
        with open_instance(path) as opened:
            for index in range(frames):
                opened.frames.decoded(index)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)

    assert peak(100) < peak(10) + 2 * ROWS * COLUMNS * 3


@pytest.mark.parametrize("damage", range(24))
def test_damaged_streams_are_held_or_decoded_and_never_end_the_process(tmp_path, damage):
    """One run of bytes somewhere in each container is another."""
    syntax, recipe = list(KINDS.values())[damage % len(KINDS)]
    generator = np.random.default_rng(damage)
    stream = bytearray(coded(clip(3), recipe))
    at = int(generator.integers(0, len(stream)))
    length = int(generator.choice([1, 2, 40, 1000]))
    stream[at : at + length] = generator.bytes(min(length, len(stream) - at))
    path, _ = make(tmp_path / "in.dcm", syntax, recipe, stream=bytes(stream), frames=3)

    try:
        result = run(path, tmp_path / "out.dcm")
    except Held as held:
        assert held.reason in (Reason.UNDECODABLE, Reason.VERIFICATION_FAILED, Reason.RESIDUAL_TEXT)  # noqa: PT017
    else:
        assert SECRET not in result.path.read_bytes()


def test_without_the_library_video_is_held(tmp_path, monkeypatch):
    """It is an extra; the note says which."""
    path, _ = make(tmp_path / "in.dcm", AVC, X264)
    usual = builtins.__import__

    def without(name, *rest, **named):
        if name == "av":
            raise ImportError(name)
        return usual(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(Held) as held:
        run(path, tmp_path / "out.dcm")

    assert held.value.reason is Reason.UNDECODABLE
    assert "extra `video`" in held.value.note
