"""`sonoveil crosswalk export|lookup`: authorised re-identification, of a node or of a run of `sonoveil deid`."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.load import read_key
from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import actor, add_configuration, add_json, complain, print_json, say
from gateway.cli.identity import STDIN, given, open_identity

if TYPE_CHECKING:
    import argparse

    from gateway.crosswalk import Crosswalk, Found

_CONFIDENTIAL = "What is shown or written is as confidential as the source; the audit says who asked, never for whom."


def crosswalk(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    export = actions.add_parser(
        "export",
        help="write patients.csv and uids.csv",
        description=f"Write patients.csv and uids.csv (id_old,id_new) of a node, or of a folder that `sonoveil deid` "
        f"wrote. {_CONFIDENTIAL}",
    )
    add_configuration(export)
    add_json(export)
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="nothing is overwritten")
    export.add_argument("--project", metavar="NAME", help="needed where the ledger has several")
    export.add_argument("--domain", action="store_true", help="a third column `domain` in patients.csv")
    export.add_argument("--from", dest="source", type=Path, metavar="OUT", help="the output folder of `sonoveil deid`")
    export.add_argument("--key-file", type=Path, metavar="F", help="with --from: the key of that run")
    export.set_defaults(run=_export)
    lookup = actions.add_parser(
        "lookup",
        help="who it is",
        description=f"Show source and new identities, one question at a time. {_CONFIDENTIAL}",
    )
    add_configuration(lookup)
    add_json(lookup)
    question = lookup.add_mutually_exclusive_group(required=True)
    question.add_argument("--pseudonym", metavar="X", help="the new Patient ID")
    question.add_argument("--uid", metavar="NEW", help="a new study, series or instance UID")
    question.add_argument("--accession-number", metavar="NEW", help="a new accession number; reads the whole ledger")
    question.add_argument("--patient-id", metavar="OLD", help=f"the source's; {STDIN}")
    question.add_argument("--source-uid", metavar="OLD", help=f"the source's study, series or instance UID; {STDIN}")
    lookup.add_argument("--domain", metavar="NAME", help="with --patient-id: whose ID it is")
    lookup.set_defaults(run=_lookup)


def _export(options: argparse.Namespace) -> int:
    from gateway.crosswalk_tables import write_tables  # noqa: PLC0415  other commands need none of it

    if options.source is not None:
        return _export_run(options)
    if options.key_file is not None:
        raise UsageError("--key-file goes with --from; a node's key is the one of its configuration")
    with open_identity(options) as node:
        project = _project(options.project, node.crosswalk())
        entries = (found.entry for found in node.crosswalk().entries(project))
        node.crosswalk().note_export(project, count=0)  # before anything is written: who is cut off has looked as well
        try:
            written = write_tables(options.output, entries, with_domain=options.domain)
        except OSError as error:
            raise UsageError(_why(error, options.output)) from None
        node.crosswalk().note_export(project, count=written.objects)
    _tell_export(options, written, project)
    return DONE


def _export_run(options: argparse.Namespace) -> int:
    from gateway.crosswalk_tables import write_tables  # noqa: PLC0415  as above
    from pipeline.crosswalk import (  # noqa: PLC0415  as above
        FILENAME,
        CrosswalkSeal,
        CrosswalkUnusableError,
        project_of,
        read_crosswalk,
    )
    from pipeline.header.identity import Identities  # noqa: PLC0415  as above

    if options.key_file is None:
        raise UsageError("--from OUT needs --key-file, the key of that run")
    key, file = read_key(options.key_file), options.source / FILENAME
    try:
        project = project_of(file)
        if options.project not in {None, project}:
            raise UsageError(f"{file} is of project {project}")
        _note_run(options.source, {"action": "crosswalk_export", "actor": actor()})
        entries = read_crosswalk(file, CrosswalkSeal(Identities(key, project)))
        written = write_tables(options.output, entries, with_domain=options.domain)
    except CrosswalkUnusableError as error:
        raise UsageError(f"{file}: {error}") from None
    except OSError as error:
        raise UsageError(_why(error, file)) from None
    _tell_export(options, written, project)
    return DONE


def _note_run(out: Path, line: dict[str, str]) -> None:
    """Write who looks into the run's own audit, since it has no ledger."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    with os.fdopen(os.open(out / "crosswalk-audit.jsonl", flags, 0o600), "a", encoding="utf-8") as file:
        file.write(json.dumps({"at": round(time.time(), 3), **line}) + "\n")


def _why(error: OSError, path: Path) -> str:
    return str(error) if error.errno is None else f"{error.filename or path}: {error.strerror}"


def _tell_export(options: argparse.Namespace, written: Any, project: str) -> None:
    if options.json:
        print_json({"project": project, "folder": options.output, "written": written})
        return
    say(f"project {project}: {written.patients} patients and {written.uids} UIDs of {written.objects} objects")
    say(f"in {options.output}: as confidential as the source; keep it apart from the objects")


def _project(wanted: str | None, crosswalk: Crosswalk) -> str:
    there = crosswalk.projects()
    if wanted is None and len(there) == 1:
        return there[0]
    if wanted is None or wanted not in there:
        known = f"there are {', '.join(there)}" if there else "nothing was de-identified yet"
        raise UsageError(f"{f'there is no project {wanted}' if wanted else 'write --project NAME'}; {known}")
    return wanted


def _lookup(options: argparse.Namespace) -> int:
    from gateway.crosswalk import Question  # noqa: PLC0415  as above

    if options.domain is not None and options.patient_id is None:
        raise UsageError("--domain goes with --patient-id")
    question = Question(
        pseudonym=options.pseudonym,
        uid=options.uid,
        accession_number=options.accession_number,
        patient_id=given(options.patient_id),
        domain=options.domain,
        source_uid=given(options.source_uid),
    )
    with open_identity(options) as node:
        found = list(node.crosswalk().look_up(question))
        node.crosswalk().note_look_up(question, [one.instance_id for one in found])
    patients = _by_patient(found)
    if options.json:
        print_json({"patients": patients})
    for patient in [] if options.json else patients:
        say(f"{patient['pseudonym']} of project {patient['project']} is {_person(patient)}")
        for study in patient["studies"]:
            say(f"  study {study['public_uid']} is {study['source_uid']}{_accession(study)}")
            for one in study["instances"] if options.uid or options.source_uid else ():
                say(f"    series {one['public_series_uid']} is {one['source_series_uid']}")
                say(f"    instance {one['public_uid']} is {one['source_uid']}")
    if not found:
        complain("nobody was found")
    return DONE if found else HELD_OR_FAILED


def _person(patient: dict[str, Any]) -> str:
    of = f" of {patient['patient_domain']}" if patient["patient_domain"] else ""
    return f"Patient ID {patient['patient_id']}{of}"


def _accession(study: dict[str, Any]) -> str:
    old, new = study["source_accession_number"], study["public_accession_number"]
    return f", accession number {new or '(empty)'} is {old}" if old else ""


def _by_patient(found: list[Found]) -> list[dict[str, Any]]:
    """Bring lines together by patient and study."""
    patients: dict[tuple[str, ...], dict[str, Any]] = {}
    studies: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in found:
        entry = one.entry
        person = (one.project, entry.pseudonym, entry.patient_domain, entry.patient_id)
        names = ("project", "pseudonym", "patient_domain", "patient_id")
        patient = patients.setdefault(person, {**dict(zip(names, person, strict=True)), "studies": []})
        key = (*person, *entry.study_uid, *entry.accession_number)
        if key not in studies:
            studies[key] = {
                "source_uid": entry.study_uid[0],
                "public_uid": entry.study_uid[1],
                "source_accession_number": entry.accession_number[0],
                "public_accession_number": entry.accession_number[1],
                "instances": [],
            }
            patient["studies"].append(studies[key])
        studies[key]["instances"].append(
            {
                "id": one.instance_id,
                "source_uid": entry.instance_uid[0],
                "public_uid": entry.instance_uid[1],
                "source_series_uid": entry.series_uid[0],
                "public_series_uid": entry.series_uid[1],
            }
        )
    return list(patients.values())
