"""Which transfer syntax a target gets, seen from outside of the whole node."""

from __future__ import annotations

import json

import numpy as np
import pydicom
import pytest

from tests.acceptance.node import running_node
from tests.factories.planted import planted_object
from tests.peers import codecs
from tests.peers.dcmtk import dcmsend, storescp
from tests.peers.programs import wait_until

pytestmark = pytest.mark.timeout(240)
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
JPEG_LS, BASELINE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.50"


def test_each_target_gets_what_it_takes_and_what_none_takes_is_held(tmp_path):
    """One keeps the syntax, one wants JPEG-LS, one says it takes nothing but a lossy one; DCMTK reads the samples."""
    made = planted_object("CT", seed=1, instance=1, rows=48, columns=64).save(tmp_path / "1.dcm")
    with (
        storescp(tmp_path / "keeping", ae_title="KEEPING") as keeping,
        storescp(tmp_path / "listing", ae_title="LISTING") as listing,
        storescp(tmp_path / "lossy", ae_title="LOSSY") as lossy,
    ):
        peers = {"keeping": (keeping, "keep"), "listing": (listing, [JPEG_LS, IMPLICIT]), "lossy": (lossy, [BASELINE])}
        nodes = {
            name: {"ae_title": peer.ae_title, "host": "127.0.0.1", "port": peer.port, "transfer_syntaxes": syntaxes}
            for name, (peer, syntaxes) in peers.items()
        }
        rules = [
            {"name": "all", "from": "clinical", "profile": "ultrasound", "project": "trial-1", "target": list(nodes)},
            {"name": "default", "fallback": True, "action": "hold"},
        ]
        changes = {"nodes": nodes, "rules": rules}
        with running_node(tmp_path / "node", research_port=keeping.port, **changes) as node:
            assert dcmsend(node.port, [made], calling="CLINICAL", called="SONOVEIL").returncode == 0
            wait_until(lambda: keeping.files() and listing.files() and node.held(), what="every target has its answer")
            deliveries = json.loads(node.run("held", "show", "1").stdout)["deliveries"]

        kept, listed = (pydicom.dcmread(peer.files()[0]) for peer in (keeping, listing))
        assert kept.file_meta.TransferSyntaxUID == EXPLICIT
        assert listed.file_meta.TransferSyntaxUID == JPEG_LS
        assert kept.SOPInstanceUID == listed.SOPInstanceUID
        samples = [codecs.stored_samples(peer.files()[0], tmp_path) for peer in (keeping, listing)]
        assert np.array_equal(*samples)
        assert lossy.files() == []
        assert {one["target"]: (one["state"], one["why"]) for one in deliveries}["lossy"] == (
            "failed",
            "not_accepted_by_target",
        )
