"""Writes that a ledger puts off are done later, in their order, each once."""

import pytest
import sqlalchemy as sa

from gateway.owed import Owed

FULL = sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))


def test_what_cannot_be_written_is_written_later_and_in_order(capsys):
    """A full disk loses no entry and doubles none."""
    is_full, written = [True], []

    def write(what):
        if is_full[0]:
            raise FULL
        written.append(what)

    owed = Owed()
    owed.write(lambda: write("start"))
    owed.write(lambda: write("changes"))
    assert not owed.settle()
    assert "ledger_unwritable" in capsys.readouterr().err

    is_full[0] = False
    owed.write(lambda: write("stop"))

    assert written == ["start", "changes", "stop"]
    assert owed.settle()
    assert written == ["start", "changes", "stop"]


def test_a_fault_of_ours_is_not_put_off():
    """Only the ledger's state is waited for."""

    def broken():
        raise LookupError

    with pytest.raises(LookupError):
        Owed().write(broken)
