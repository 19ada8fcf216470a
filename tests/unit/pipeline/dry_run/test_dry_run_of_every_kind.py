"""The dry run over one planted object of every kind of the corpus: nothing planted is in what it writes."""

import json

import pytest

from config.load import load_profile
from pipeline.dry_run.run import DryRunJob, run_dry
from tests.factories.corpus.made import KINDS, combinations, make
from tests.factories.planted import find_planted


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with one file of every kind, and every planted string."""
    folder = tmp_path_factory.mktemp("corpus")
    words = set()
    for number, (kind, syntax) in enumerate(dict(reversed(list(combinations()))).items()):
        made = make(kind, syntax)
        (folder / f"{number:03d}.dcm").write_bytes(made.raw)
        words |= {plant.text for plant in made.plants}
    return folder, sorted(words)


@pytest.mark.parametrize("profile", ["research", "strict"])
def test_no_planted_string_of_any_kind_of_object_is_in_the_account(corpus, tmp_path, profile):
    """Neither in the JSON nor in the page; every kind is accounted for."""
    folder, words = corpus
    job = DryRunJob(
        inputs=(folder,),
        out=tmp_path / "out",
        profile=load_profile(profile),
        key=bytes(range(32)),
        project="p",
        patient_domain="A",
        with_values=False,
    )

    content = run_dry(job, lambda _progress: None)

    assert content["counts"]["read"] == len(KINDS)
    assert len(content["classes"]) + content["counts"]["would_be_held"] >= 30
    assert find_planted((tmp_path / "out" / "dry-run.json").read_bytes(), words) == []
    assert find_planted((tmp_path / "out" / "dry-run.html").read_bytes(), words) == []
    assert "internal_error" not in json.dumps(content["held_reasons"])
