"""Decoded frames put aside: each is decoded once, the same comes back, and no lack of room is ever an error."""

import os
import shutil

import numpy as np
import pytest

from pipeline.frames import aside, stream
from pipeline.frames.aside import decoded_once
from pipeline.frames.read import open_instance
from tests.factories.pixels import JPEG_BASELINE, Seen, deidentifier, received, save_image, speckle

RLE = "1.2.840.10008.1.2.5"


class Corner:
    """Sees a text in one corner of the first look, as long as nobody looks harder."""

    def read(self, image, *, strict, frame=None):
        """Find it."""
        return () if strict else (Seen(left=4, top=4, right=40, bottom=20, text="NAME", confidence=0.9),)


@pytest.fixture
def decodes(monkeypatch):
    """Count decodings of the source's frames and of others."""
    made = []
    really = stream.decode_frame

    def counted(codestream, description, syntax):
        made.append(codestream)
        return really(codestream, description, syntax)

    monkeypatch.setattr(stream, "decode_frame", counted)
    return made


def test_every_frame_of_a_clip_is_decoded_once_and_once_more_as_it_was_written(tmp_path, decodes):
    """Cone, text, painter and verification share one decoding; the verification decodes what was written."""
    source = save_image(tmp_path / "in.dcm", speckle(6), syntax=JPEG_BASELINE)

    result = deidentifier(reader=Corner()).run(received(source), tmp_path / "out.dcm")

    assert result.transfer_syntax_uid == JPEG_BASELINE
    assert len(decodes) == 2 * 6
    assert len(set(decodes)) == 2 * 6


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "RGB"])
def test_what_was_put_aside_comes_back_as_it_was(tmp_path, decodes, photometric):
    """In any order, with its photometric interpretation, and not to be changed by who had it before."""
    clip = speckle(5) if photometric == "MONOCHROME2" else np.stack([speckle(5, seed=s) for s in range(3)], axis=-1)
    source = save_image(tmp_path / "in.dcm", clip, syntax=RLE, photometric=photometric)
    with open_instance(source) as opened, decoded_once(opened.frames, tmp_path):
        first = [opened.frames.decoded(index) for index in range(5)]
        for frame in first:
            frame.samples.flags.writeable = True
            frame.samples[...] = 7
        for index in (3, 0, 4, 1, 2):
            again = opened.frames.decoded(index)
            assert again.photometric == photometric
            assert np.array_equal(again.samples, clip[index])
    assert len(decodes) == 5


def test_nothing_is_left_in_the_folder_while_frames_are_aside_or_later(tmp_path):
    """The file has no name: a process that dies leaves nothing."""
    source = save_image(tmp_path / "in.dcm", speckle(3), syntax=RLE)
    room = tmp_path / "room"
    room.mkdir()
    with open_instance(source) as opened:
        with decoded_once(opened.frames, room):
            opened.frames.decoded(0)
            assert list(room.iterdir()) == []
        assert opened.frames.aside is None
        assert np.array_equal(opened.frames.decoded(1).samples, speckle(3)[1])


def test_frames_without_room_are_decoded_again(tmp_path, decodes, monkeypatch):
    """A bound on what one object may take on the disk."""
    source = save_image(tmp_path / "in.dcm", speckle(4), syntax=RLE)
    monkeypatch.setattr(aside, "MOST_BYTES", 2 * 160 * 240 + 1)
    with open_instance(source) as opened, decoded_once(opened.frames, tmp_path):
        for index in (0, 1, 2, 3, 0, 1, 2, 3):
            assert np.array_equal(opened.frames.decoded(index).samples, speckle(4)[index])
    assert len(decodes) == 6


def test_little_free_space_is_left_alone(tmp_path, decodes, monkeypatch):
    """Receiving stops where the disk is full, so little of what is free is taken."""
    source = save_image(tmp_path / "in.dcm", speckle(2), syntax=RLE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(10**9, 10**9, 16 * 160 * 240))
    with open_instance(source) as opened, decoded_once(opened.frames, tmp_path):
        for index in (0, 1, 0, 1):
            opened.frames.decoded(index)
    assert len(decodes) == 3


def test_a_folder_in_which_no_file_can_be_made_costs_time_and_nothing_else(tmp_path, decodes):
    """Whether the output can be written is another question."""
    source = save_image(tmp_path / "in.dcm", speckle(2), syntax=RLE)
    with open_instance(source) as opened, decoded_once(opened.frames, tmp_path / "missing"):
        for index in (0, 1, 0):
            assert np.array_equal(opened.frames.decoded(index).samples, speckle(2)[index])
    assert len(decodes) == 3


@pytest.mark.parametrize("fault", ["full", "half"])
def test_a_full_disk_costs_time_and_nothing_else(tmp_path, decodes, monkeypatch, fault):
    """A frame that is not written whole is not there."""
    source = save_image(tmp_path / "in.dcm", speckle(3), syntax=RLE)

    def write(_descriptor, data, _place):
        if fault == "full":
            raise OSError(28, "no space")
        return len(data) // 2

    monkeypatch.setattr(os, "pwrite", write)
    with open_instance(source) as opened, decoded_once(opened.frames, tmp_path):
        for index in (0, 1, 0):
            assert np.array_equal(opened.frames.decoded(index).samples, speckle(3)[index])
    assert len(decodes) == 3


def test_a_frame_that_is_read_back_cut_is_decoded_again(tmp_path, decodes, monkeypatch):
    """Half a frame would be half of another one."""
    source = save_image(tmp_path / "in.dcm", speckle(2), syntax=RLE)
    with open_instance(source) as opened, decoded_once(opened.frames, tmp_path):
        opened.frames.decoded(0)
        monkeypatch.setattr(os, "preadv", lambda _descriptor, _buffers, _place: 1)
        assert np.array_equal(opened.frames.decoded(0).samples, speckle(2)[0])
    assert len(decodes) == 2


def test_native_frames_are_not_put_aside(tmp_path):
    """They lie in their file as they are."""
    source = save_image(tmp_path / "in.dcm", speckle(2))
    with open_instance(source) as opened, decoded_once(opened.frames, tmp_path):
        assert opened.frames.aside is None
