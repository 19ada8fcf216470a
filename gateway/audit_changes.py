"""What the audit says of the configuration and the models: a row when something differs from the last such row.

Rule of the file: a section is told by the hash of what it says, a model by the hash of its file; no value is.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from config.schema import profile_sha256
from gateway.tables import audit
from models.catalog import listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.schema import GatewayConfig
    from gateway.database import Database

_SHORT = 16
_CHANGED = "changed"


def note_changes(database: Database, config: GatewayConfig, *, actor: str) -> None:
    """Write what differs in configuration and models from when it was last written; nothing where nothing does."""
    _note(database, "config_change", configuration_hashes(config), actor=actor)
    _note(database, "model_change", model_hashes(config), actor=actor)


def configuration_hashes(config: GatewayConfig) -> dict[str, str]:
    """Return each section's name and the beginning of the SHA-256 of what it says, profiles one by one."""
    sections = config.model_dump(mode="json", exclude={"profiles"})
    hashes = {name: _short(json.dumps(section, sort_keys=True)) for name, section in sections.items()}
    return hashes | {f"profile {name}": profile_sha256(one)[:_SHORT] for name, one in config.profiles.items()}


def model_hashes(config: GatewayConfig) -> dict[str, str]:
    """Return the SHA-256 of every model's file that is on this machine."""
    found: dict[str, str] = {}
    for model in listing(config.models):
        if model.path is None:
            continue
        try:
            with model.path.open("rb") as file:
                found[model.name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            found[model.name] = "unreadable"
    return found


def _note(database: Database, action: str, now: Mapping[str, str], *, actor: str) -> None:
    newest = sa.select(audit.c.detail).where(audit.c.action == action).order_by(audit.c.id.desc()).limit(1)
    with database.write() as connection:
        before: dict[str, Any] = dict(connection.execute(newest).scalar() or {})
        before.pop(_CHANGED, None)
        changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        if changed:
            detail = {**now, _CHANGED: ", ".join(changed)}
            database.append_audit(connection, actor=actor, action=action, instance_id=None, detail=detail)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_SHORT]
