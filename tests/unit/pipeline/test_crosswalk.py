"""The sealed crosswalk of a run: whole or not at all, and nothing in clear."""

import pytest

from pipeline.crosswalk import CrosswalkSeal, CrosswalkUnusableError, project_of, read_crosswalk, write_crosswalk
from pipeline.header.identity import Identities
from tests.factories.crosswalk import crosswalk_entry

ENTRIES = [crosswalk_entry(patient_id=f"SECRET-{number}") for number in range(3)]
SEAL = CrosswalkSeal(Identities(bytes(range(32)), "echo"))


@pytest.fixture
def file(tmp_path):
    """A crosswalk of three entries."""
    path = tmp_path / "crosswalk.enc"
    write_crosswalk(path, project="echo", seal=SEAL, lines=[SEAL.seal(entry) for entry in ENTRIES])
    return path


def test_what_was_sealed_is_read_again(file):
    """In its order; only the owner may read the file."""
    assert list(read_crosswalk(file, SEAL)) == ENTRIES
    assert project_of(file) == "echo"
    assert file.stat().st_mode & 0o777 == 0o600


def test_nothing_of_a_source_is_in_clear(file):
    """Also not in a second writing of the same entries: nonces are new."""
    content = file.read_bytes()

    assert b"SECRET" not in content
    assert b"1.2.3" not in content
    assert len(set(content.splitlines())) == 5
    assert SEAL.seal(ENTRIES[0]) != SEAL.seal(ENTRIES[0])


def _without(position):
    return lambda lines: lines[:position] + lines[position + 1 :]


@pytest.mark.parametrize(
    "change",
    [
        _without(1),
        _without(-1),
        _without(-2),
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [*lines[:2], lines[1], *lines[2:]],
        lambda lines: [lines[0], lines[1][:-8] + "AAAAAAA=", *lines[2:]],
        lambda lines: lines[:1],
        lambda lines: [*lines, "rubbish"],
    ],
)
def test_a_file_that_was_cut_or_altered_is_not_taken_for_whole(file, change):
    """A missing, repeated, moved or changed line is noticed by the end at the latest."""
    file.write_text("\n".join(change(file.read_text().splitlines())) + "\n")

    with pytest.raises(CrosswalkUnusableError):
        list(read_crosswalk(file, SEAL))


@pytest.mark.parametrize(("key", "project"), [(bytes(32), "echo"), (bytes(range(32)), "other")])
def test_another_key_or_project_opens_nothing(file, key, project):
    """The subkey is the project's own."""
    with pytest.raises(CrosswalkUnusableError):
        list(read_crosswalk(file, CrosswalkSeal(Identities(key, project))))


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format": "sonoveil crosswalk 9", "project": "p"}', "\xff"])
def test_what_is_no_crosswalk_is_said_to_be_none(tmp_path, content):
    """Whatever it is instead."""
    path = tmp_path / "x"
    path.write_text(content, encoding="latin-1")

    with pytest.raises(CrosswalkUnusableError, match="no crosswalk"):
        project_of(path)
