"""Pull studies from a PACS: find what it has, have what we lack sent, and compare with what was acknowledged.

Rule of the file: what counts as here is what the ledger has acknowledged, instance by instance, never what a peer says
it has sent. Outcomes are numbers and reasons of ours.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.ask import (
    ACCESSION,
    CLASS_UID,
    INSTANCE_UID,
    RELATED_INSTANCES,
    SERIES_UID,
    STUDY_UID,
    Ask,
    Kind,
    identifier,
)
from gateway.getting import GetConnection
from gateway.negotiation import is_valid_uid
from gateway.querying import FIND, MOVE, Found, NotServedError, QueryConnection, RefusedError, TooManyError
from gateway.requestor import Failure, Lost
from gateway.statuses import RetrieveStatus
from gateway.tables import instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gateway.admission import Caller
    from gateway.database import Database
    from gateway.intake import Intake
    from gateway.requestor import Target
    from gateway.sealing import Sealer

_MOST_STUDIES = 100_000
_MOST_IN_A_STUDY = 1_000_000
_LOOK_AGAIN_S = 0.25
_BATCH = 500


class Why(StrEnum):
    """Why a pull is not complete; reasons below DIMSE are those of `gateway.requestor.Failure`."""

    NOT_FOUND = "not_found"
    """The PACS knows no such study."""
    MISSING = "missing"
    """Instances that the PACS lists were not acknowledged here."""
    COUNTS_DIFFER = "counts_differ"
    """The PACS counts more instances in a study than it lists."""
    KEYS_IGNORED = "keys_ignored"
    """The PACS did not match a key: it would send what was not asked for. Nothing was fetched."""
    TOO_MANY = "too_many"
    """More studies match than were to be pulled. Nothing was fetched."""
    NOT_SERVED = "not_served"
    """The PACS does not accept C-FIND, C-MOVE or C-GET (study root) from us."""
    REFUSED = "refused"
    """The PACS answered with a failure status."""
    UNKNOWN_DESTINATION = "unknown_destination"
    """The PACS does not know our AE title as a destination (0xA801)."""


DOWN = frozenset({Failure.UNREACHABLE, Failure.TLS, Failure.REJECTED, Why.NOT_SERVED, Why.UNKNOWN_DESTINATION})
"""Reasons that the next study would meet too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What came of one question.

    Parameters
    ----------
    studies
        How many match.
    listed
        Instances that the PACS has of them.
    fetched
        Those that were acknowledged only since the question was asked.
    missing
        Listed, or counted by the PACS, and not acknowledged.
    failed
        Sub-operations that failed, as the PACS counts.
    why
        Why it is not complete; None when it is.
    status
        The status with which the PACS refused, where it did.
    """

    studies: int
    listed: int
    fetched: int
    missing: int
    failed: int
    why: Why | Failure | None
    status: int | None

    @property
    def is_complete(self) -> bool:
        """Whether everything that the PACS has is acknowledged here."""
        return self.why is None


class Way(StrEnum):
    """How the objects come."""

    MOVE = "move"
    """C-MOVE to our own AE title: the running node receives."""
    GET = "get"
    """C-GET on our own association: this process receives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """C-MOVE to an AE title of ours."""

    destination: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Getting:
    """C-GET into an intake, as objects of a caller."""

    intake: Intake
    caller: Caller


class Acknowledged:
    """Which instances have been acknowledged, by their source UIDs.

    Parameters
    ----------
    database, sealer
        Of the node.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def among(self, uids: Iterable[str]) -> frozenset[str]:
        """Return those that the ledger has, whatever became of them."""
        by_index = {self._sealer.index("sop", uid): uid for uid in uids}
        indexes = list(by_index)
        found: set[bytes] = set()
        with self._database.read() as connection:
            for start in range(0, len(indexes), _BATCH):
                some = sa.select(instance.c.sop_index).where(instance.c.sop_index.in_(indexes[start : start + _BATCH]))
                found.update(bytes(index) for index in connection.execute(some).scalars())
        return frozenset(by_index[index] for index in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Study:
    """What the PACS has of one study.

    Parameters
    ----------
    series
        Series UID to instances, instance UID to class UID.
    counted
        Number of Study Related Instances, 0 where the PACS does not say.
    """

    uid: str
    series: Mapping[str, Mapping[str, str]]
    counted: int

    @property
    def instances(self) -> frozenset[str]:
        return frozenset(uid for one in self.series.values() for uid in one)

    def lacking(self, here: frozenset[str]) -> list[dict[int, str]]:
        """Return what to ask for: the study where nothing is here, else the series of which something lacks."""
        if not here:
            return [{STUDY_UID: self.uid}]
        series = [uid for uid, instances in self.series.items() if not here.issuperset(instances)]
        return [{STUDY_UID: self.uid, SERIES_UID: uid} for uid in series]


class _NotComplete(Exception):
    def __init__(self, why: Why | Failure, status: int | None = None) -> None:
        super().__init__(str(why))
        self.why = why
        self.status = status


@contextmanager
def _named() -> Iterator[None]:
    """Give every way in which talking to the PACS may end its reason."""
    try:
        yield
    except Lost as lost:
        raise _NotComplete(lost.why) from None
    except NotServedError:
        raise _NotComplete(Why.NOT_SERVED) from None
    except TooManyError:
        raise _NotComplete(Why.TOO_MANY) from None
    except RefusedError as refused:
        unknown = refused.status == RetrieveStatus.UNKNOWN_DESTINATION
        raise _NotComplete(Why.UNKNOWN_DESTINATION if unknown else Why.REFUSED, refused.status) from None


class Retrieval:
    """Pulls from one PACS.

    Parameters
    ----------
    target
        The PACS (`forward.target_of`).
    by
        How objects come.
    acknowledged
        What is here.
    before_fetch
        Called before each study that is fetched, to wait for its turn.
    most_studies
        How many one question may match.
    settle_s
        How long to wait, without anything arriving, for what the PACS says it has sent: some answer a C-MOVE early.
    """

    def __init__(
        self,
        target: Target,
        *,
        by: Moving | Getting,
        acknowledged: Acknowledged,
        before_fetch: Callable[[], None],
        most_studies: int = _MOST_STUDIES,
        settle_s: float = 10.0,
    ) -> None:
        self._target = target
        self._by = by
        self._acknowledged = acknowledged
        self._before_fetch = before_fetch
        self._most_studies = most_studies
        self._settle_s = settle_s

    def pull(self, ask: Ask) -> Pulled:
        """Find, fetch and compare; what a peer does is in the outcome, nothing of it is raised."""
        total = Pulled(studies=0, listed=0, fetched=0, missing=0, failed=0, why=None, status=None)
        try:
            with _named():
                found = self._find_studies(ask)
        except _NotComplete as end:
            return _plus(total, why=end.why, status=end.status)
        for uid, counted in found.items():
            total = self._pull_study(total, uid, counted)
            if total.why in DOWN:
                break
        return _plus(total, studies=len(found))

    def _find_studies(self, ask: Ask) -> dict[str, int]:
        """Return Study Instance UIDs and how many instances the PACS counts in each."""
        with self._asking() as connection:
            found = self._matching(connection, ask, (STUDY_UID, ACCESSION, RELATED_INSTANCES))
            if ask.kind is Kind.QUERY and found.keys_ignored:
                # It may have been no key but the number of instances that it does not know.
                found = self._matching(connection, ask, (STUDY_UID,))
                if found.keys_ignored:
                    raise _NotComplete(Why.KEYS_IGNORED)
        exact = () if ask.kind is Kind.QUERY else ask.keys
        if any(match[tag] != value for match in found.matches for tag, value in exact):
            raise _NotComplete(Why.KEYS_IGNORED)
        studies = {match[STUDY_UID]: _number(match.get(RELATED_INSTANCES, "")) for match in found.matches}
        if not studies:
            raise _NotComplete(Why.NOT_FOUND)
        if not all(is_valid_uid(uid) for uid in studies):
            raise _NotComplete(Failure.BAD_ANSWER)
        return studies

    def _matching(self, connection: QueryConnection, ask: Ask, wanted: tuple[int, ...]) -> Found:
        keys = {**dict.fromkeys(wanted, ""), **dict(ask.keys)}
        return connection.find(identifier("STUDY", keys), wanted, most=self._most_studies)

    @contextmanager
    def _asking(self) -> Iterator[QueryConnection]:
        wanted = (FIND, MOVE) if isinstance(self._by, Moving) else (FIND,)
        connection = QueryConnection.open(self._target, wanted)
        assert isinstance(connection, QueryConnection)
        try:
            yield connection
        finally:
            connection.close()

    def _pull_study(self, total: Pulled, uid: str, counted: int) -> Pulled:
        """Add what comes of one study to the total; the first reason stands."""
        why: Why | Failure | None = None
        status, failed = None, 0
        try:
            with _named(), self._asking() as connection:
                study = self._list(connection, uid, counted)
        except _NotComplete as end:
            return _plus(total, missing=counted, why=end.why, status=end.status)
        before = here = self._acknowledged.among(study.instances)
        if here != study.instances:
            self._before_fetch()
            try:
                with _named():
                    failed = self._fetch(study, here)
            except _NotComplete as end:
                why, status = end.why, end.status
            here = self._settled(study, waits=why is None and failed == 0)
        missing = len(study.instances) - len(here)
        if not missing:
            why, status = None, None  # the ledger says so, whatever the PACS answered
        elif why is None:
            why = Why.MISSING
        if why is None and counted > len(study.instances):
            missing, why = counted - len(study.instances), Why.COUNTS_DIFFER
        return _plus(
            total,
            listed=len(study.instances),
            fetched=len(here - before),
            missing=missing,
            failed=failed,
            why=why,
            status=status,
        )

    def _list(self, connection: QueryConnection, study: str, counted: int) -> _Study:
        """Ask level by level, each with the UIDs of the levels above: what every PACS answers (PS3.4 C.4.1.2.1)."""
        request = identifier("SERIES", {STUDY_UID: study, SERIES_UID: ""})
        all_series = [m[SERIES_UID] for m in connection.find(request, (SERIES_UID,), most=_MOST_IN_A_STUDY).matches]
        series: dict[str, dict[str, str]] = {}
        for uid in all_series:
            keys = {STUDY_UID: study, SERIES_UID: uid, INSTANCE_UID: "", CLASS_UID: ""}
            found = connection.find(identifier("IMAGE", keys), (INSTANCE_UID, CLASS_UID), most=_MOST_IN_A_STUDY)
            series[uid] = {match[INSTANCE_UID]: match[CLASS_UID] for match in found.matches}
        named = [*series, *(uid for one in series.values() for uid in one)]
        if not all(is_valid_uid(uid) for uid in named):
            raise Lost(Failure.BAD_ANSWER)
        if not any(series.values()):
            raise _NotComplete(Why.NOT_FOUND)
        return _Study(uid=study, series=series, counted=counted)

    def _fetch(self, study: _Study, here: frozenset[str]) -> int:
        failed = 0
        requests = [_retrieve_identifier(keys) for keys in study.lacking(here)]
        if isinstance(self._by, Moving):
            with self._asking() as connection:
                for request in requests:
                    goes_on = _Watch(lambda: self._acknowledged.among(study.instances))
                    failed += connection.move(request, destination=self._by.destination, goes_on=goes_on)
            return failed
        classes = {uid for one in study.series.values() for uid in one.values()}
        with GetConnection.to(self._target, classes) as getting:
            for request in requests:
                failed += getting.get(request, intake=self._by.intake, caller=self._by.caller)
        return failed

    def _settled(self, study: _Study, *, waits: bool) -> frozenset[str]:
        """Return what is here; where the PACS says all went well, once nothing arrives any more."""
        here = self._acknowledged.among(study.instances)
        quiet_since = time.monotonic()
        while waits and here != study.instances and time.monotonic() - quiet_since < self._settle_s:
            time.sleep(_LOOK_AGAIN_S)
            now = self._acknowledged.among(study.instances)
            if now != here:
                here, quiet_since = now, time.monotonic()
        return here


class _Watch:
    """Tells whether something has arrived since it was last asked."""

    def __init__(self, look: Callable[[], frozenset[str]]) -> None:
        self._look = look
        self._seen = look()

    def __call__(self) -> bool:
        seen, self._seen = self._seen, self._look()
        return seen != self._seen


def _retrieve_identifier(keys: Mapping[int, str]) -> bytes:
    return identifier("SERIES" if SERIES_UID in keys else "STUDY", keys)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


def _plus(
    total: Pulled,
    *,
    studies: int = 0,
    listed: int = 0,
    fetched: int = 0,
    missing: int = 0,
    failed: int = 0,
    why: Why | Failure | None = None,
    status: int | None = None,
) -> Pulled:
    return Pulled(
        studies=total.studies + studies,
        listed=total.listed + listed,
        fetched=total.fetched + fetched,
        missing=total.missing + missing,
        failed=total.failed + failed,
        why=total.why or why,
        status=total.status if total.why else status,
    )
