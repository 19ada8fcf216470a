"""Files into configuration objects, once: `gateway.yaml` and profiles, with every problem named at once.

Rule of the file: a file that has any problem gives no object. Secrets are looked at and never kept.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from config.crosscheck import check_gateway, check_profile
from config.ctp_script import EMPTY_SCRIPT, read_ctp_script
from config.gateway import GatewayConfig
from config.keys import KeyUnusableError, checked_key, read_key, write_key
from config.patient_table import NO_PATIENTS, read_patient_table
from config.problems import ConfigurationError, Problem
from config.profile import Profile
from config.section import Section
from config.tls_files import check_tls_files
from config.tokens import check_token_files
from config.tree import Tree, read_tree
from config.unavailable import IN_GATEWAY, IN_PROFILE, Unavailable, find
from config.wording import UNKNOWN_VALUE_TYPES, dotted, message, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.problems import Place

__all__ = [
    "ConfigurationError",
    "Problem",
    "load_gateway",
    "load_profile",
    "read_key",
    "shipped_profiles",
    "write_key",
]

_Model = TypeVar("_Model", bound=Section)


def shipped_profiles() -> Mapping[str, Path]:
    """Return the profiles that come with the product, by name."""
    return {file.stem: file for file in sorted((Path(__file__).parent / "profiles").glob("*.yaml"))}


def load_profile(name_or_path: str | Path) -> Profile:
    """Return a profile.

    Parameters
    ----------
    name_or_path
        The name of a shipped profile, else the path of a file. A `Path` is always a file.

    Raises
    ------
    ConfigurationError
        No such profile, or its file has problems.
    """
    shipped = shipped_profiles()
    if isinstance(name_or_path, str) and name_or_path in shipped:
        file = shipped[name_or_path]
    else:
        file = Path(name_or_path)
        if not _is_file(file):
            known = f"no such profile; write a file, or one of {', '.join(shipped)}"
            raise ConfigurationError((Problem(file=file, line=0, message=known),))
    profile, problems = _read_profile(file, re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._")[:64] or "profile")
    return _all_well(profile, problems)


def load_gateway(path: str | Path) -> GatewayConfig:
    """Return the gateway's configuration.

    Relative paths in it lie beside the file. The key file is checked, and not kept.

    Raises
    ------
    ConfigurationError
        Everything that is wrong in the file, in the profiles it uses, and with its key file.
    """
    tree = read_tree(Path(path))
    if not isinstance(tree.value, dict):
        empty = tree.problem((), "write `listener:`, `nodes:`, ... as in the example")
        raise ConfigurationError((*tree.problems, empty))
    profiles, known, problems = _profiles(tree)
    listed = tree.value.get("profiles", {})
    raw = tree.value | {"profiles": profiles if isinstance(listed, dict) else listed}
    config, found = _validate(GatewayConfig, raw, tree, IN_GATEWAY)
    problems += found
    problems += [tree.problem(place, f"{dotted(place)}: {text}") for place, text in check_gateway(raw, profiles, known)]
    problems += [
        tree.problem(place, f"{dotted(place)}: {text}") for place, text in check_tls_files(raw, tree.file.parent)
    ]
    problems += [
        tree.problem(place, f"{dotted(place)}: {text}") for place, text in check_token_files(raw, tree.file.parent)
    ]
    problems += _key_problems(tree)
    return _all_well(config, problems)


def _read_profile(file: Path, name: str) -> tuple[Profile | None, list[Problem]]:
    tree = read_tree(file)
    raw = {} if tree.value is None else tree.value
    if not isinstance(raw, dict):
        return None, [*tree.problems, tree.problem((), "write `options:`, `pixels:`, ... as in the shipped profiles")]
    raw, table_problems = _with_patient_table(raw, tree)
    raw, script_problems = _with_ctp_script(raw, tree)
    named = [tree.problem(("name",), "`name` is not written here; the file's name says it")] if "name" in raw else []
    profile, problems = _validate(Profile, raw | {"name": name}, tree, IN_PROFILE)
    found = [tree.problem(place, f"{dotted(place)}: {text}") for place, text in check_profile(raw)]
    return profile, [*named, *table_problems, *script_problems, *problems, *found]


def _with_patient_table(raw: dict[str, Any], tree: Tree) -> tuple[dict[str, Any], list[Problem]]:
    """Put the steward's table in the place of its path; what is no path is left to the models.

    A table with problems is replaced by an empty one: it has been reported, and the profile has none of its own.
    """
    section = raw.get("patient_id")
    written = section.get("file") if isinstance(section, dict) else None
    if not isinstance(section, dict) or not isinstance(written, str):
        return raw, []
    place = ("patient_id", "file")
    path = _path(tree, place)
    if path is None:
        return raw, [tree.problem(place, "patient_id.file: write the path of a local CSV file")]
    strip = section.get("strip_leading_zeros") is True
    table, problems = read_patient_table(path, strip_leading_zeros=strip)
    problems = [
        tree.problem(place, f"patient_id.file: {found.message}") if not found.line else found for found in problems
    ]
    return raw | {"patient_id": section | {"file": table or NO_PATIENTS}}, problems


def _with_ctp_script(raw: dict[str, Any], tree: Tree) -> tuple[dict[str, Any], list[Problem]]:
    """Put CTP's script in the place of its path, an empty one where it has a problem; no path is left to the models."""
    section = raw.get("pixels")
    written = section.get("ctp_script") if isinstance(section, dict) else None
    if not isinstance(section, dict) or not isinstance(written, str):
        return raw, []
    place = ("pixels", "ctp_script")
    path = _path(tree, place)
    if path is None:
        return raw, [tree.problem(place, "pixels.ctp_script: write the path of a local script of CTP")]
    script, problems = EMPTY_SCRIPT, []
    try:
        script = read_ctp_script(path)
    except ValueError as error:
        problems = [tree.problem(place, f"pixels.ctp_script: {path.name}: {error}")]
    return raw | {"pixels": section | {"ctp_script": script}}, problems


def _profiles(tree: Tree) -> tuple[dict[str, Profile], tuple[str, ...], list[Problem]]:
    """Load the listed profiles and those shipped ones that a rule names: the loaded, all known names, problems."""
    written = tree.value.get("profiles")
    listed = written if isinstance(written, dict) else {}
    rules = tree.value.get("rules")
    used = {rule.get("profile") for rule in rules if isinstance(rule, dict)} if isinstance(rules, tuple) else set()
    shipped = shipped_profiles()
    files: dict[str, Any] = {name: file for name, file in shipped.items() if name in used} | listed
    loaded: dict[str, Profile] = {}
    problems: list[Problem] = []
    for name, file in files.items():
        place = ("profiles", name)
        if not isinstance(file, str | Path):
            problems.append(tree.problem(place, f"{dotted(place)}: write the path of a profile's file"))
            continue
        location = tree.file.parent / file
        if not _is_file(location):
            problems.append(tree.problem(place, f"{dotted(place)}: there is no file {location}"))
            continue
        try:
            profile, found = _read_profile(location, name)
        except ConfigurationError as error:
            profile, found = None, list(error.problems)
        problems += found
        if profile is not None:
            loaded[name] = profile
    return loaded, tuple(sorted({*shipped, *listed})), problems


def _validate(
    model: type[_Model], raw: Mapping[str, Any], tree: Tree, table: tuple[Unavailable, ...]
) -> tuple[_Model | None, list[Problem]]:
    """Build the model, and name what is wrong with the YAML, with its values, and with their availability."""
    checked, errors = None, []
    try:
        checked = model.model_validate(raw, context={"folder": tree.file.parent})
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
    unknown = {place_of(error) for error in errors if error["type"] in UNKNOWN_VALUE_TYPES}
    later = {place: entry for place, entry in find(raw, table) if place not in unknown}
    problems = [*tree.problems]
    problems += [tree.problem(place, _not_available(place, entry)) for place, entry in later.items()]
    for error in errors:
        place = place_of(error)
        if not any(place[: len(start)] == start for start in later):
            problems.append(tree.problem(place, message(error, model)))
    return checked, problems


def _not_available(place: Place, entry: Unavailable) -> str:
    simple = [value for value in entry.works if isinstance(value, str | bool)]
    instead = f"write {' or '.join(str(value).lower() for value in simple)}" if simple else "remove it"
    return f"{dotted(place)}: not available in this version; {instead}"


def _key_problems(tree: Tree) -> list[Problem]:
    """Name what is wrong with the key file; paths of the wrong type are reported by the models."""
    place = ("secrets", "key_file")
    key, storage = _path(tree, place), _path(tree, ("storage", "path"))
    if key is None:
        return []
    problems: list[Problem] = []
    if storage is not None and Path(os.path.realpath(key)).is_relative_to(os.path.realpath(storage)):
        problems.append(tree.problem(place, "secrets.key_file: lies under storage.path; keep the key somewhere else"))
    try:
        checked_key(key)
    except KeyUnusableError as error:
        problems.append(tree.problem(place, f"secrets.key_file: {error}"))
    return problems


def _path(tree: Tree, place: tuple[str, str]) -> Path | None:
    section = tree.value.get(place[0])
    written = section.get(place[1]) if isinstance(section, dict) else None
    if not isinstance(written, str) or not written.strip() or "\0" in written or re.match(r"~|[a-z0-9+]+://", written):
        return None
    return tree.file.parent / written


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, or a folder that may not be entered
        return False


def _all_well(value: _Model | None, problems: list[Problem]) -> _Model:
    """Return the object of a file without problems."""
    if problems or value is None:
        order = sorted(dict.fromkeys(problems), key=lambda problem: (str(problem.file), problem.line))
        raise ConfigurationError(tuple(order))
    return value
