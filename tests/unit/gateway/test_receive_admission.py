"""Who may open an association."""

from __future__ import annotations

import pytest

from config.gateway import Listener, Node, NodeTls
from gateway.admission import UNKNOWN_NODE, Admission, Caller, addresses_of
from gateway.statuses import Rejection

KNOWN = Node(ae_title="CT1", host=("10.0.0.5", "10.0.8.0/24", "ct.example", "fd00::/64"), allow_store=True)


def _admission(*, known: Node = KNOWN, names: dict[str, str] | None = None, clock=lambda: 0.0, **listener) -> Admission:
    found = names if names is not None else {"ct.example": "192.0.2.7"}
    return Admission(
        Listener(**listener),
        {"first": known},
        look_up=lambda host: frozenset({found[host]}) if host in found else frozenset(),
        clock=clock,
    )


def _decide(
    admission: Admission,
    *,
    calling: str = "CT1",
    called: str = "SONOVEIL",
    address: str = "10.0.0.5",
    names: frozenset[str] | None = None,
):
    return admission.decide(calling_aet=calling, called_aet=called, address=address, certificate_names=names)


@pytest.mark.parametrize(
    ("names", "admitted"),
    [
        (frozenset({"ct.hospital.example", "other"}), True),
        (frozenset({"elsewhere.example"}), False),
        (frozenset(), False),
        (None, False),
    ],
)
def test_a_node_that_is_known_by_its_certificate_needs_that_name(names, admitted):
    """Title and address can be forged by whoever stands on the wire."""
    known = KNOWN.model_copy(update={"tls": NodeTls(client_name="CT.hospital.example")})

    decision = _decide(_admission(known=known), names=names)

    assert isinstance(decision, Caller) if admitted else decision is Rejection.CALLING_AET


@pytest.mark.parametrize(
    "address", ["10.0.0.5", "10.0.8.0", "10.0.8.255", "192.0.2.7", "::ffff:10.0.0.5", "fd00::1", "fd00::1%eth0"]
)
def test_addresses_networks_and_names_admit(address):
    """IPv4 inside IPv6 is IPv4; a zone is no part of an address."""
    assert isinstance(_decide(_admission(), address=address), Caller)


@pytest.mark.parametrize("address", ["10.0.0.6", "10.0.9.0", "192.0.2.8", "fd01::1", "127.0.0.1"])
def test_another_address_with_a_known_title_is_rejected(address):
    """An AE title alone is no identity."""
    assert _decide(_admission(), address=address) is Rejection.CALLING_AET


def test_titles_are_compared_without_padding_but_with_case():
    """16 characters on the wire, padded with spaces."""
    assert isinstance(_decide(_admission(), calling="CT1             ", called="SONOVEIL        "), Caller)
    assert _decide(_admission(), calling="ct1") is Rejection.CALLING_AET
    assert _decide(_admission(), called="sonoveil") is Rejection.CALLED_AET


def test_every_title_of_ours_is_answered_and_others_only_when_unchecked():
    """Several AE titles on one port."""
    titles = ("SONOVEIL", "ECHO")

    assert isinstance(_decide(_admission(ae_titles=titles), called="ECHO"), Caller)
    assert _decide(_admission(ae_titles=titles), called="OTHER") is Rejection.CALLED_AET
    unchecked = _decide(_admission(check_called_aet=False), called="OTHER")
    assert isinstance(unchecked, Caller)
    assert unchecked.called_aet == "OTHER"


@pytest.mark.parametrize(
    ("allow_store", "allow_echo", "admitted"),
    [(True, True, True), (True, False, True), (False, True, True), (False, False, False)],
)
def test_a_node_that_may_do_nothing_is_rejected(allow_store, allow_echo, admitted):
    """A pure target does not call us."""
    known = KNOWN.model_copy(update={"allow_store": allow_store, "allow_echo": allow_echo})

    decision = _decide(_admission(known=known))

    if not admitted:
        assert decision is Rejection.CALLING_AET
        return
    assert isinstance(decision, Caller)
    assert (decision.may_store, decision.may_echo) == (allow_store, allow_echo)
    assert decision.node_name == "first"


def test_unknown_callers_are_named_so_where_they_are_let_in_and_a_known_one_keeps_its_limits():
    """`reject_unknown_sources: false` is about those who are in no list."""
    known = KNOWN.model_copy(update={"allow_store": False, "allow_echo": False})
    admission = _admission(known=known, reject_unknown_sources=False)

    stranger = _decide(admission, calling="X")

    assert isinstance(stranger, Caller)
    assert stranger.node_name == UNKNOWN_NODE
    assert _decide(admission) is Rejection.CALLING_AET


def test_names_are_looked_up_again_after_a_minute():
    """DHCP moves modalities; asking the name server for each association would be slow."""
    now = [0.0]
    names = {"ct.example": "192.0.2.7"}
    admission = _admission(names=names, clock=lambda: now[0])
    assert isinstance(_decide(admission, address="192.0.2.7"), Caller)

    names["ct.example"] = "192.0.2.9"
    now[0] = 59.0
    before = _decide(admission, address="192.0.2.9")
    now[0] = 61.0
    after = _decide(admission, address="192.0.2.9")

    assert before is Rejection.CALLING_AET
    assert isinstance(after, Caller)


def test_a_name_that_cannot_be_resolved_admits_nobody():
    """Failing to look up is not a wildcard."""
    assert _decide(_admission(names={}), address="192.0.2.7") is Rejection.CALLING_AET
    assert addresses_of("no-such-host.invalid") == frozenset()
    assert "127.0.0.1" in addresses_of("localhost")
