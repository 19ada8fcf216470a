"""Asking both sides: a node that cannot be asked is told, never taken for one that agrees."""

from types import SimpleNamespace

from gateway.find_check import FindCheck
from gateway.reconcile import Kind


def test_a_node_that_left_the_configuration_is_not_one_that_has_everything(node):
    """Renamed in the file, named by the ledger: nobody was asked."""
    node.arrive("1.2.3", patient_id="4711", study="1.2.3.2")

    found = FindCheck(node.database, node.sealer, SimpleNamespace(nodes={})).compare()

    assert found.compared == ()
    assert [one.kind for one in found.discrepancies] == [Kind.NOT_ASKED]
    assert found.discrepancies[0].subject == "node clinical: not in the configuration"
