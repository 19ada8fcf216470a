"""Key files: made once, readable by their owner alone."""

import os
import stat

import pytest

from config.load import ConfigurationError, read_key, write_key


def test_a_new_key_is_32_bytes_that_only_its_owner_reads(tmp_path):
    """`write_key` makes mode 0600 whatever the umask is."""
    before = os.umask(0)
    try:
        write_key(tmp_path / "key")
    finally:
        os.umask(before)

    assert len(read_key(tmp_path / "key")) == 32
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_two_keys_differ(tmp_path):
    """Keys are random."""
    write_key(tmp_path / "one")
    write_key(tmp_path / "two")

    assert read_key(tmp_path / "one") != read_key(tmp_path / "two")


def test_a_key_is_never_overwritten(tmp_path):
    """A second `write_key` fails and leaves the first key as it is."""
    write_key(tmp_path / "key")
    key = read_key(tmp_path / "key")

    with pytest.raises(ConfigurationError, match="never overwritten"):
        write_key(tmp_path / "key")

    assert read_key(tmp_path / "key") == key


def test_a_key_that_cannot_be_made_durable_is_taken_away_again(tmp_path, monkeypatch):
    """No half-written key stays behind."""

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("config.keys.os.fsync", full)

    with pytest.raises(ConfigurationError, match="No space left"):
        write_key(tmp_path / "key")

    assert not (tmp_path / "key").exists()


def test_a_key_in_a_folder_that_is_absent_is_an_error(tmp_path):
    """The folder is not made."""
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_key(tmp_path / "absent" / "key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o777, 0o610])
def test_a_key_that_others_can_use_is_refused(tmp_path, mode):
    """Any right of group or others is one too many."""
    write_key(tmp_path / "key")
    (tmp_path / "key").chmod(mode)

    with pytest.raises(ConfigurationError, match=r"chmod 600"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize("length", [0, 31, 33, 64, 100_000])
def test_a_key_of_another_length_is_refused_without_showing_it(tmp_path, length):
    """Only 32 raw bytes are a key, and nothing of it stands in the error."""
    (tmp_path / "key").write_bytes(b"Q" * length)
    (tmp_path / "key").chmod(0o600)

    with pytest.raises(ConfigurationError, match=f"{length} bytes") as caught:
        read_key(tmp_path / "key")

    assert "QQ" not in str(caught.value)


def test_a_key_that_is_absent_says_how_to_make_one(tmp_path):
    """The command stands in the error."""
    with pytest.raises(ConfigurationError, match="sonoveil keygen"):
        read_key(tmp_path / "key")


def test_a_folder_or_a_pipe_is_no_key(tmp_path):
    """Reading neither waits nor fails in another way."""
    os.mkfifo(tmp_path / "pipe", 0o600)

    for name in ("", "pipe"):
        with pytest.raises(ConfigurationError, match="is no file"):
            read_key(tmp_path / name)
