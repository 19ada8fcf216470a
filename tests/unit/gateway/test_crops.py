"""What the ledger says about crops of images that left."""

from dataclasses import replace

import pytest

from gateway import crops as module
from gateway.crops import Crops
from pipeline.reasons import Reason
from pipeline.records import FrameCrop

from .conftest import ROUTE, WORKER

UID = "1.2.3"
PLAN = {"rows": 100, "columns": 120, "grid": [8, 8], "crop": [24, 16, 90, 70], "kept": None, "blanked": []}


def known(node, project="p"):
    """Return what is known of the image."""
    return Crops(node.database, node.sealer, project=project).get(UID)


def output(node, plan):
    """Return an output with this plan."""
    return replace(node.output(), record={"frames": 2, "plan": plan})


def cleaned(node, plan=PLAN, content=b"original"):
    """Walk the image to `clean`; return its number."""
    node.arrive(UID, content)
    claim = node.claim()
    assert node.ledger.record_clean(claim, WORKER, ROUTE, output(node, plan))
    return claim.instance_id


def test_an_image_that_leaves_is_known_by_its_source_uid(node):
    """As it was written: grown to whole blocks; and when it has left too."""
    number = cleaned(node)
    assert known(node) == FrameCrop(rows=100, columns=120, box=(24, 16, 90, 70))
    (delivery,) = node.deliveries.claim("research", "f", limit=1, lease_s=9)
    node.deliveries.record_sent(delivery, status=0)
    assert node.state(number) == "done"
    assert known(node) is not None


def test_an_image_of_another_project_one_without_frames_and_one_that_never_came_are_not_known(node):
    """The first is another image there."""
    assert known(node) is None
    cleaned(node, plan=None)
    assert known(node) is None
    with node.database.write() as connection:
        connection.execute(module.instance.update().values(record={"plan": PLAN}))
    assert known(node) is not None
    assert known(node, project="q") is None


@pytest.mark.parametrize("with_result", [False, True])
def test_an_image_that_is_held_is_not_known_until_it_is_released(node, with_result):
    """Nobody has decided that it leaves."""
    node.arrive(UID)
    claim = node.claim()
    node.ledger.record_held(
        claim,
        WORKER,
        ROUTE,
        reason=Reason.CONE_UNCERTAIN,
        note="",
        output=output(node, PLAN) if with_result else None,
    )
    assert known(node) is None
    if with_result:
        node.decisions.release(claim.instance_id, reason="looked at", targets=("research",))
        assert known(node) is not None


def test_a_correction_counts_and_what_it_took_the_place_of_does_not(replacing_node):
    """Under the same UID."""
    cleaned(replacing_node)
    cleaned(replacing_node, plan=PLAN | {"crop": [0, 0, 120, 100]}, content=b"corrected")
    assert known(replacing_node) == FrameCrop(rows=100, columns=120, box=(0, 0, 120, 100))


def test_an_image_that_a_worker_has_is_waited_for(node, monkeypatch):
    """One that nobody has is not: it may be this very worker's next."""
    monkeypatch.setattr(module, "_PAUSE_S", 0)
    node.arrive(UID)
    assert known(node) is None
    claim = node.claim()
    looks = []

    def look(self, index, really=Crops._row):
        looks.append(index)
        if len(looks) == 3:
            node.ledger.record_clean(claim, WORKER, ROUTE, output(node, PLAN))
        return really(self, index)

    monkeypatch.setattr(Crops, "_row", look)
    assert known(node) is not None
    assert len(looks) == 3


def test_it_is_not_waited_for_without_end(node, monkeypatch):
    """Then the object that refers to it is held."""
    monkeypatch.setattr(module, "_PATIENCE_S", 0)
    node.arrive(UID)
    node.claim()
    assert known(node) is None
