"""The whole corpus, every kind of object in every syntax, through the whole pipeline under the shipped profiles."""

import pytest

from pipeline.reasons import Held
from tests.factories.corpus.made import KINDS, combinations, make
from tests.factories.corpus.pixels import SYNTAXES
from tests.factories.corpus.plants import Place
from tests.factories.corpus.runner import HeaderRunner, header_profile
from tests.factories.corpus.tally import Tally

LARGEST_SHARE = {Place.OUTSIDE: 0.02}
"""Of planted text that no table names; of everything else nothing may stay."""


def kind_of(name):
    """Return the kind of an object by its name, which is kind and syntax."""
    return next(kind for kind in sorted(KINDS, key=len, reverse=True) if name.startswith(f"{kind}-"))


@pytest.fixture(scope="module", params=["strict", "research"])
def tally(request, tmp_path_factory):
    """Run every combination once and count."""
    profile = header_profile(request.param)
    runner = HeaderRunner(profile, tmp_path_factory.mktemp(request.param))
    counted = Tally(options=frozenset(option.value for option in profile.options))
    for kind, syntax in combinations():
        made = make(kind, syntax)
        try:
            counted.add(made, runner.run(made.raw))
        except Held as held:
            counted.add(made, None, reason=str(held.reason))
    return counted


def test_the_corpus_is_as_wide_as_it_claims():
    """At least 30 SOP classes and all transfer syntaxes, or the counts below would say little."""
    assert len({kind.sop_class for kind in KINDS.values()}) >= 50
    assert {syntax for _kind, syntax in combinations()} == set(SYNTAXES)


@pytest.mark.parametrize("place", [Place.TABLE, Place.PRIVATE, Place.CONTAINER, Place.UID])
def test_nothing_planted_there_is_found_in_what_comes_out(tally, place):
    """In-table, private, container: 0 leaks; UIDs: none kept."""
    assert tally.checks[place] > 1000
    assert tally.leaked(place) == {}


def test_hardly_anything_planted_outside_the_table_is_found(tally):
    """At most one in fifty."""
    assert tally.checks[Place.OUTSIDE] > 1000
    assert tally.share_leaked(Place.OUTSIDE) <= LARGEST_SHARE[Place.OUTSIDE], {
        where: len(names) for where, names in tally.leaked(Place.OUTSIDE).items()
    }


def test_every_uid_becomes_one_uid_and_every_reference_resolves(tally):
    """Over all objects of the study, whatever their kind and syntax."""
    assert tally.inconsistent == {}
    assert tally.dangling == {}


def test_only_what_the_profile_does_not_clean_is_held_and_under_its_name(tally):
    """Documents and raw data always, reports where the profile does not clean structured content; nothing else."""
    documents = {"encapsulated_document": {"PDF", "CDA", "STL"}, "unsupported_class": {"RAW"}}
    reports = {"structured_content": {"SR-BASIC", "SR-ENHANCED", "SR-COMPREHENSIVE", "SR-DOSE", "KOS"}}
    expected = documents if "clean_structured_content" in tally.options else {**documents, **reports}

    held = {reason: {kind_of(name) for name in names} for reason, names in tally.refused.items()}

    assert held == expected
