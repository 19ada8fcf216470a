"""A small node without processes: ledger, spool and shorthand for walking an instance through its states."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
import yaml

from config.keys import write_key
from gateway.database import Database
from gateway.decisions import Decisions
from gateway.deliveries import Deliveries
from gateway.entries import Claim, Identity, NewInstance, Output, Route
from gateway.ledger import Ledger
from gateway.sealing import Sealer
from gateway.spool import Shelf, Spool, new_token
from gateway.states import InstanceState
from gateway.subjects import Subjects

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.records import CrosswalkEntry

KEY = bytes(range(32))
WORKER = "worker-0"
NOBODY = Identity(subject_index=None, patient_index=None, withdrawal_indexes=(), crosswalk=None)
ROUTE = Route(rule="default", project="p", profile="research", targets=("research",))


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class SmallNode:
    """Ledger, spool and clock of one test."""

    root: Path
    replace_duplicates: bool = False
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.spool = Spool(self.root)
        self.spool.prepare()
        self.database = Database.create_or_migrate(self.spool.ledger_path, clock=self.clock)
        self.ledger = Ledger(self.database, replace_duplicates=self.replace_duplicates)
        self.deliveries = Deliveries(self.database)
        self.decisions = Decisions(self.database, actor="user:test")
        self.sealer = Sealer(KEY)
        self.subjects = Subjects(sealer=self.sealer, strips_leading_zeros=False)

    def put(self, shelf: Shelf, content: bytes) -> str:
        token = new_token()
        self.spool.path(shelf, token).write_bytes(content)
        return token

    def arrive(
        self, uid: str = "1.2.3", content: bytes = b"original", *, patient_id: str = "", study: str = ""
    ) -> tuple[str, InstanceState]:
        identifiers = {"sop_instance_uid": uid}
        if patient_id:
            identifiers |= {"patient_id": patient_id, "study_instance_uid": study, "series_instance_uid": "1.2.3.3"}
        token = self.put(Shelf.ORIGINALS, content)
        state = self.ledger.record_arrival(self.new_instance(uid, content, token, identifiers))
        if state is InstanceState.SUPPRESSED:
            self.spool.remove(Shelf.ORIGINALS, token)
        return token, state

    def new_instance(
        self, uid: str, content: bytes, token: str = "", identifiers: Mapping[str, str] | None = None
    ) -> NewInstance:
        """Return what the ledger gets of an object that arrives."""
        identifiers = identifiers or {"sop_instance_uid": uid}
        token = token or new_token()
        study, patient_id = identifiers.get("study_instance_uid", ""), identifiers.get("patient_id", "")
        return NewInstance(
            token=token,
            node="clinical",
            calling_aet="CLINICAL",
            called_aet="SONOVEIL",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            readable=True,
            sop_index=self.sealer.index("sop", uid),
            study_index=self.subjects.study(study) if study else None,
            patient_index=self.subjects.patient(patient_id) if patient_id else None,
            sealed=self.sealer.seal(identifiers, token=token),
            content_sha256=hashlib.sha256(content).digest(),
            size_bytes=len(content),
        )

    def claim(self) -> Claim:
        claim = self.ledger.claim(WORKER, lease_s=60, max_attempts=3)
        assert claim is not None
        return claim

    def output(
        self,
        content: bytes = b"output",
        *,
        study: str = "2.25.1",
        pseudonym: str = "SV-A",
        entry: CrosswalkEntry | None = None,
        token: str = "",
    ) -> Output:
        """Make an output; with `entry`, as of that patient and bound to the row of `token`."""
        original = token
        token = self.put(Shelf.OUTPUTS, content)
        return Output(
            token=token,
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            sop_instance_uid=f"2.25.{int.from_bytes(os.urandom(4))}",
            series_instance_uid="2.25.2",
            study_instance_uid=study,
            pseudonym=pseudonym,
            profile_sha256="0" * 64,
            record={"frames": 1},
            identity=NOBODY if entry is None else self.subjects.identity(entry, token=original),
        )

    def clean(self, uid: str = "1.2.3", route: Route = ROUTE, **output: str) -> int:
        """Walk a new instance to `clean`; return its number."""
        self.arrive(uid, content=uid.encode())
        claim = self.claim()
        assert self.ledger.record_clean(claim, WORKER, route, self.output(**output))
        return claim.instance_id

    def clean_of(self, entry: CrosswalkEntry, route: Route = ROUTE) -> int:
        """Walk a new instance of a patient to its outcome; return its number."""
        source_uid = entry.instance_uid[0]
        self.arrive(source_uid, content=os.urandom(8), patient_id=entry.patient_id, study=entry.study_uid[0])
        claim = self.claim()
        output = replace(
            self.output(study=entry.study_uid[1], pseudonym=entry.pseudonym, entry=entry, token=claim.token),
            sop_instance_uid=entry.instance_uid[1],
            series_instance_uid=entry.series_uid[1],
        )
        assert self.ledger.record_clean(claim, WORKER, route, output)
        return claim.instance_id

    def state(self, instance_id: int) -> str:
        return str(self.decisions.show(instance_id)["state"])

    def delivery_states(self, instance_id: int) -> dict[str, str]:
        return {d["target"]: d["state"] for d in self.decisions.show(instance_id)["deliveries"]}


@pytest.fixture
def node(tmp_path):
    """A ledger and a spool in a temporary folder."""
    small = SmallNode(tmp_path / "storage")
    yield small
    small.database.close()


@pytest.fixture
def replacing_node(tmp_path):
    """The same with `storage.duplicates: replace`."""
    small = SmallNode(tmp_path / "storage", replace_duplicates=True)
    yield small
    small.database.close()


def write_configuration(folder: Path, **sections: object) -> Path:
    """Write a configuration whose storage, key and file lie in the folder; `sections` stand instead of its own."""
    write_key(folder / "key")
    config = {
        "nodes": {
            "clinical": {"ae_title": "CLINICAL", "host": "127.0.0.1", "allow_store": True},
            "research": {"ae_title": "RESEARCH", "host": "127.0.0.1", "port": 104},
        },
        "storage": {"path": str(folder / "storage")},
        "rules": [
            {"name": "all", "from": "clinical", "profile": "research", "project": "p", "target": ["research"]},
            {"name": "default", "fallback": True, "action": "hold"},
        ],
        "secrets": {"key_file": str(folder / "key")},
    }
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(config | sections))
    return path


@pytest.fixture
def config_file(tmp_path):
    """A configuration with a node that sends and one that is sent to."""
    return write_configuration(tmp_path)
