"""The factory plants what it says, and the search finds it however it is encoded."""

import base64
import gzip
import zlib

import pytest

from tests.factories.corpus.made import make
from tests.factories.corpus.pixels import EXPLICIT
from tests.factories.planted import KINDS, find_planted, planted_object

ITEM = bytes.fromhex("feff00e012000000")


@pytest.mark.parametrize("kind", KINDS)
def test_everything_planted_is_found_in_the_original(kind, tmp_path):
    """A search that finds nothing in the original would prove nothing in the result."""
    planted = planted_object(kind, seed=5)

    path = planted.save(tmp_path / "original.dcm")

    assert find_planted(path, planted.planted) == list(planted.planted)


def test_the_same_seed_gives_the_same_patient_and_another_seed_shares_nothing():
    """Tests rely on seeds to tell patients apart."""
    first, again, other = (planted_object("CT", seed=seed) for seed in (5, 5, 6))

    assert first.planted == again.planted
    assert not set(first.planted) & set(other.planted)


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be", "cp1251", "utf-8"])
def test_planted_words_are_found_in_every_character_set(charset):
    """A name in Cyrillic is found in what an ISO 2022 or Unicode writer makes of it."""
    assert find_planted("xx Дбшсх yy".encode(charset), ["дбшсх"]) == ["дбшсх"]


def test_planted_words_are_found_byte_swapped_and_compressed():
    """Big-endian words and deflated streams hide nothing."""
    assert find_planted(b"oVrvzobi", ["Vovrozib"]) == ["Vovrozib"]
    assert find_planted(b"junk" + zlib.compress(b"so Vovrozib is here"), ["Vovrozib"]) == ["Vovrozib"]


def test_a_deflated_object_is_searched_inside(tmp_path):
    """Deflated Explicit VR Little Endian is inflated before the search."""
    planted = planted_object("CT", seed=5)
    planted.dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"

    path = planted.save(tmp_path / "deflated.dcm")

    assert find_planted(path, planted.planted) == list(planted.planted)


@pytest.mark.parametrize("seed", range(14))
def test_everything_planted_in_the_corpus_is_found_in_the_original(seed):
    """In every place, every character set and every syntax that hides bytes: or its absence would prove nothing."""
    for kind, syntax in (("CT", "1.2.840.10008.1.2.2"), ("US-CLIP", "1.2.840.10008.1.2.4.50"), ("SR-DOSE", EXPLICIT)):
        made = make(kind, syntax, seed=seed)

        assert {plant.where for plant in made.plants} - {plant.where for plant in made.leaks(made.raw)} == set()


@pytest.mark.parametrize("hide", [base64.b64encode, gzip.compress, lambda raw: b"xx" + raw[:7] + ITEM + raw[7:]])
def test_planted_words_are_found_in_base64_gzip_and_across_fragments(hide):
    """What was encoded once more is still there."""
    assert find_planted(b"\0\0" + hide(b"so Vovrozib is here"), ["Vovrozib"]) == ["Vovrozib"]


def test_the_same_seed_gives_the_same_bytes_and_the_same_study():
    """Objects of one study are made one at a time, in any order, by any process."""
    first, again = make("CT", EXPLICIT, seed=3), make("CT", EXPLICIT, seed=3)

    assert first.raw == again.raw
    assert make("MR", EXPLICIT, seed=3).dataset.StudyInstanceUID == first.dataset.StudyInstanceUID
