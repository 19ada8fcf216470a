"""What is not believed of a video before, and while, it is played."""

from __future__ import annotations

import io
import resource
import struct
from dataclasses import replace

import av
import pytest

from pipeline.frames.read import open_instance
from pipeline.frames.video.tables import MOST_SAMPLES
from pipeline.reasons import Held, Reason
from tests.factories.video import ROWS, Recipe, clip, coded, video_object

FRAMES = 4
AVC = "1.2.840.10008.1.2.4.102"
X264 = Recipe(codec="libx264", container="mp4")


@pytest.fixture(scope="module")
def stream():
    """Return a small MP4 file."""
    return coded(clip(FRAMES), X264)


def play(path):
    """Decode every frame."""
    with open_instance(path) as opened:
        for index in range(len(opened.frames)):
            opened.frames.decoded(index)


def refusal(path):
    """Return why a video is held."""
    with pytest.raises(Held) as held:
        play(path)
    return held.value


def with_samples(stream, count):
    """Return an MP4 file whose one table says that it has `count` samples of a byte each."""
    changed = bytearray(stream)
    struct.pack_into(">II", changed, changed.index(b"stsz") + 8, 1, count)
    struct.pack_into(">I", changed, changed.index(b"stsc") + 16, count)
    return bytes(changed)


def in_movie_fragments(stream):
    """Return an MP4 file with its pictures in movie fragments."""
    file = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(io.BytesIO(stream)) as source, av.open(file, "w", format="mp4", options=options) as output:
        copy = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                output.mux(packet)
    return file.getvalue()


def without_last_rows(stream, rows):
    """Return an H.264 stream that says of its last rows that they are not shown."""
    with av.open(io.BytesIO(stream), format="h264") as source:
        video = source.streams.video[0]
        change = av.BitStreamFilterContext(f"h264_metadata=crop_bottom={rows}", video)
        packets = [packet if packet.size else None for packet in source.demux(video)]
        return b"".join(bytes(one) for packet in packets for one in change.filter(packet))


def test_a_table_that_names_more_samples_than_there_can_be_takes_no_memory(tmp_path, stream):
    """A few kilobytes that ask for a gigabyte and a half."""
    path = video_object(tmp_path / "in.dcm", with_samples(stream, 20_000_000), AVC, frames=FRAMES)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    held = refusal(path)

    assert held.reason is Reason.RESOURCE_LIMIT
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@pytest.mark.parametrize("decoy", [b"stsz", b"stszstsz", b"stszstsz...."])
def test_nothing_that_looks_like_a_table_hides_one(tmp_path, stream, decoy):
    """Bytes of a box that the library skips end where the movie box begins."""
    bomb = with_samples(stream, MOST_SAMPLES + 1)
    at = bomb.index(b"stsz")
    moved = bomb[: at - 4] + struct.pack(">I4s", 8 + len(decoy), b"xxxx") + decoy + bomb[at - 4 :]
    moved = bytearray(moved)
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = moved.index(box) - 4
        struct.pack_into(">I", moved, place, struct.unpack_from(">I", moved, place)[0] + 8 + len(decoy))

    held = refusal(video_object(tmp_path / "in.dcm", bytes(moved), AVC, frames=FRAMES))

    assert held.reason is Reason.RESOURCE_LIMIT


@pytest.mark.parametrize("seam", range(1, 20, 3))
def test_a_table_at_the_seam_of_two_reads_is_seen(tmp_path, stream, monkeypatch, seam):
    """Whatever part of it the first read ends with."""
    bomb = with_samples(stream, MOST_SAMPLES + 1)
    start = bomb.index(b"moov") - 4
    monkeypatch.setattr("pipeline.frames.video.tables._READ_BYTES", bomb.index(b"stsz") - start + seam)

    held = refusal(video_object(tmp_path / "in.dcm", bomb, AVC, frames=FRAMES))

    assert held.reason is Reason.RESOURCE_LIMIT


def test_more_beside_the_pictures_than_a_video_needs_is_held(tmp_path, stream, monkeypatch):
    """As far as the boxes say: no byte of them is read first."""
    monkeypatch.setattr("pipeline.frames.video.tables._MOST_BYTES", 2000)
    padded = stream + struct.pack(">I4s", 3008, b"free") + bytes(3000)

    assert refusal(video_object(tmp_path / "in.dcm", padded, AVC, frames=FRAMES)).reason is Reason.RESOURCE_LIMIT


def test_movie_fragments_are_held(tmp_path, stream):
    """Their index can send a reader into the media data, where no table is looked for."""
    held = refusal(video_object(tmp_path / "in.dcm", in_movie_fragments(stream), AVC, frames=FRAMES))

    assert held.reason is Reason.UNDECODABLE
    assert "movie fragments" in held.note


@pytest.mark.parametrize("size", [0, 1, 4, 7, 1 << 31])
def test_boxes_that_cannot_be_walked_are_held(tmp_path, stream, size):
    """Shorter than their own head, or longer than the file; and 0, which is to the end, where the movie box is lost."""
    changed = bytearray(stream)
    struct.pack_into(">I", changed, 0, size)

    assert refusal(video_object(tmp_path / "in.dcm", bytes(changed), AVC, frames=FRAMES)).reason is Reason.UNDECODABLE


@pytest.mark.parametrize(("rows", "held"), [(8, False), (64, True)])
def test_a_part_of_the_pictures_that_is_coded_and_not_shown_is_held(tmp_path, rows, held):
    """Nobody looks at it, and copied pictures would carry it out; less than a macroblock is the coding's own."""
    cut = without_last_rows(coded(clip(FRAMES), replace(X264, container="h264")), rows)
    path = video_object(tmp_path / "in.dcm", cut, AVC, frames=FRAMES, shape=(ROWS - rows, 352))

    if held:
        assert "hides a part" in refusal(path).note
    else:
        play(path)


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ({"FrameTime": "40"}, False),
        ({"FrameTime": "41"}, False),
        ({"CineRate": "25"}, False),
        ({"RecommendedDisplayFrameRate": "12"}, False),
        ({"FrameTime": "0", "CineRate": "0"}, False),
        ({"FrameTime": "33.33"}, True),
        ({"CineRate": "50"}, True),
        ({"FrameTime": "40", "CineRate": "30"}, True),
    ],
)
def test_the_header_tells_the_rate_of_the_stream(tmp_path, stream, said, held):
    """Frame Time and Cine Rate, within what rounding does to them."""
    path = video_object(tmp_path / "in.dcm", stream, AVC, frames=FRAMES, **said)

    if held:
        assert "frames a second" in refusal(path).note
    else:
        play(path)
