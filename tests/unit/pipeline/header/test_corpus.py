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
LARGEST_SHARE_HELD = 0.03


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


def test_few_objects_are_held_and_each_under_its_name(tally):
    """At most 3 in 100, none of them as an error of the program."""
    assert tally.share_refused <= LARGEST_SHARE_HELD, {reason: len(names) for reason, names in tally.refused.items()}
    assert "internal_error" not in tally.refused
