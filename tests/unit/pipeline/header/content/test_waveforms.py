"""Waveforms keep their samples, bit for bit, and nothing that is none."""

import io

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from pipeline.header.decoding import silent_decoding
from pipeline.reasons import Held, Reason
from tests.factories.headers import minimal, scrubbed, written
from tests.factories.profiles import CLEANING, STRICT

ECG = "1.2.840.10008.5.1.4.1.1.9.1.2"


def waveform(data=b"\1\0\2\0\3\0\4\0", bits=16, vr="OW"):
    """Return an ECG of two channels and two samples each."""
    channel = Dataset()
    channel.ChannelSensitivity = "1"
    channel.ChannelLabel = "Quatynvor"
    channel.add_new("ChannelMinimumValue", vr, data[: bits // 8])
    group = Dataset()
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples, group.SamplingFrequency = 2, 2, "500"
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = bits, "SS"
    group.ChannelDefinitionSequence = [channel]
    group.add_new("WaveformPaddingValue", vr, data[: bits // 8])
    group.add_new("WaveformData", vr, data)
    return minimal(SOPClassUID=ECG, PatientName="Quatynvor^Lek", WaveformSequence=[group])


@pytest.mark.parametrize("profile", [STRICT, CLEANING], ids=["strict", "cleaning"])
def test_a_real_ecg_keeps_every_sample(profile):
    """Of all its groups."""
    source = pydicom.dcmread(get_testdata_file("waveform_ecg.dcm"))
    source.PatientID = "4711"

    result = scrubbed(source, profile).dataset

    assert len(result.WaveformSequence) == len(source.WaveformSequence)
    for before, after in zip(source.WaveformSequence, result.WaveformSequence, strict=True):
        assert after.WaveformData == before.WaveformData
        assert after.SamplingFrequency == before.SamplingFrequency


def test_names_in_channels_are_gone_and_their_limits_stay():
    """Channel Label is free text; Channel Minimum Value is a sample."""
    (group,) = scrubbed(waveform(), CLEANING).dataset.WaveformSequence

    assert not group.ChannelDefinitionSequence[0].get("ChannelLabel")
    assert group.ChannelDefinitionSequence[0].ChannelMinimumValue == b"\1\0"
    assert group.WaveformPaddingValue == b"\1\0"


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_samples_survive_implicit_vr(syntax):
    """Where a reader can only guess whether they are bytes or words."""
    source = pydicom.dcmread(io.BytesIO(written(waveform(), syntax)))

    with silent_decoding():
        result = scrubbed(source, CLEANING).dataset

    again = pydicom.dcmread(io.BytesIO(written(result, syntax)))
    assert again.WaveformSequence[0].WaveformData == b"\1\0\2\0\3\0\4\0"


def test_big_endian_samples_are_written_little_endian():
    """Pydicom leaves the bytes of words as they came."""
    data = np.array([1, 2, 3, 4], ">i2").tobytes()
    source = pydicom.dcmread(io.BytesIO(written(waveform(data), "1.2.840.10008.1.2.2")))

    result = scrubbed(source, CLEANING).dataset

    assert result.WaveformSequence[0].WaveformData == np.array([1, 2, 3, 4], "<i2").tobytes()


@pytest.mark.parametrize("data", [b"", b"\1\0\2\0", b"\1\0\2\0\3\0\4\0Quatynvor "])
def test_samples_that_are_not_what_the_item_says_hold_the_object(data):
    """Text can stand behind them."""
    with pytest.raises(Held) as held:
        scrubbed(waveform(data), CLEANING)

    assert held.value.reason is Reason.UNDECODABLE
