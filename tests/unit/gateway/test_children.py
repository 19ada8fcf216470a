"""Child processes of the node: replaced when settings change, started again when they die."""

import contextlib

import pytest
import sqlalchemy as sa

from gateway.children import Child, Children
from gateway.ledger import Ledger
from tests.peers.programs import wait_until


def wait_for_the_end(settings):
    """Run until the process is asked to end; its first act is to leave a sign."""
    import signal

    signs, text = settings
    with open(signs, "a") as file:  # noqa: PTH123  a spawned process imports as little as it can
        file.write(f"{text}\n")
    signal.pause()


def end_at_once(_settings):
    """Die."""
    raise SystemExit(3)


@pytest.fixture
def children(node, monkeypatch):
    """Return what makes children of a ledger; whatever still runs is stopped."""
    monkeypatch.setattr("gateway.children._forget_metrics_of", lambda _pid: None)  # nobody counts here
    made = []

    def make(*wanted):
        result = Children(node.database, Ledger(node.database, replace_duplicates=False), wanted)
        made.append(result)
        return result

    yield make
    for each in made:
        each.stop()


def child(name, settings, target=wait_for_the_end):
    """Return a child that is to run."""
    return Child(name=name, target=target, settings=settings)


def test_new_settings_reach_every_child_and_who_is_not_wanted_goes(children, tmp_path):
    """One stays with other settings, one goes, one comes; being replaced counts as alive."""
    signs = tmp_path / "signs"
    signs.touch()
    running = children(child("a", (signs, "a old")), child("b", (signs, "b old")))
    running.start_due()
    wait_until(lambda: len(signs.read_text().splitlines()) == 2, what="both have started")

    running.replace([child("a", (signs, "a new")), child("c", (signs, "c new"))])
    running.start_due()

    def is_replaced():
        running.reap()
        running.start_due()
        return {"a new", "c new"} <= set(signs.read_text().splitlines())

    wait_until(is_replaced, what="the new ones have started")
    assert running.alive()
    assert signs.read_text().splitlines().count("b old") == 1
    assert set(running._children) == {"a", "c"}


def test_who_dies_at_once_waits_longer_each_time_and_is_not_alive(children):
    """A fault that stays must not keep a core busy."""
    dying = children(child("a", None, target=end_at_once))
    waits = []
    for _ in range(2):
        dying._children["a"].restart_at = 0.0
        dying.start_due()
        wait_until(lambda: not dying._children["a"].process.is_alive(), what="it has died")
        assert not dying.alive()
        dying.reap()
        waits.append(dying._children["a"].restarts)

    assert waits == [1, 2]


def test_a_target_that_was_taken_away_stays_away_though_the_ledger_was_full_when_it_ended(
    children, tmp_path, monkeypatch
):
    """Its claims are freed later; it is not started again with the settings it had."""
    signs = tmp_path / "signs"
    signs.touch()
    running = children(child("gone", (signs, "gone")), child("stays", (signs, "stays")))
    running.start_due()
    wait_until(lambda: len(signs.read_text().splitlines()) == 2, what="both have started")
    running.replace([child("stays", (signs, "stays"))])
    released = []

    def is_full(_self, name):
        if len(released) == 0:
            released.append("refused")
            raise sa.exc.OperationalError("", {}, Exception("database or disk is full"))
        released.append(name)

    monkeypatch.setattr(Ledger, "release_claims", is_full)

    def has_ended():
        with contextlib.suppress(sa.exc.OperationalError):
            running.reap()
            running.start_due()
        return {"gone", "stays"} <= set(released)

    wait_until(has_ended, what="both ended and their claims are free")

    assert signs.read_text().splitlines().count("gone") == 1
    wait_until(lambda: signs.read_text().splitlines().count("stays") == 2, what="the other runs again")


def test_who_follows_settings_is_not_ended_for_them_and_its_successor_has_them(children, tmp_path):
    """A process with open associations takes new settings while it runs; one that is not wanted any more goes."""
    signs = tmp_path / "signs"
    signs.touch()
    running = children(Child(name="a", target=wait_for_the_end, settings=(signs, "old"), follows_settings=True))
    running.start_due()
    wait_until(lambda: signs.read_text() == "old\n", what="it has started")
    process = running._children["a"].process

    running.replace([Child(name="a", target=wait_for_the_end, settings=(signs, "new"), follows_settings=True)])
    running.reap()
    assert running._children["a"].process is process
    process.kill()
    process.join()
    running.reap()
    running._children["a"].restart_at = 0.0
    running.start_due()
    wait_until(lambda: signs.read_text() == "old\nnew\n", what="its successor has started")
    running.replace([])
    running._children["a"].process.join(10)
    running.reap()
    assert running._children == {}
