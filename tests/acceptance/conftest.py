"""Fixtures of the acceptance tests: folders of planted studies, and a sender that never gives up."""

from __future__ import annotations

import pytest

from tests.acceptance.sending import StubbornSender
from tests.factories.planted import planted_object


@pytest.fixture
def planted_files(tmp_path):
    """Write `count` small objects of several patients; return their paths and every planted string."""

    def make(count, kinds=("CT", "MR", "CR"), per_patient=5):
        folder = tmp_path / "to-send"
        folder.mkdir(exist_ok=True)
        paths, planted = [], set()
        for number in range(count):
            kind = kinds[number % len(kinds)]
            made = planted_object(kind, seed=number // per_patient, instance=number + 1, rows=48, columns=64)
            paths.append(made.save(folder / f"{number:04d}.dcm"))
            planted.update(made.planted)
        return paths, tuple(planted)

    return make


@pytest.fixture
def stubborn():
    """Make a modality that sends every file until it is acknowledged."""
    return StubbornSender
