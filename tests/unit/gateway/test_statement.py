"""The conformance statement: what it says is what the configuration and the code say."""

import inspect
import re
from http import HTTPStatus
from itertools import pairwise

import pytest

from config.load import load_gateway, write_key
from gateway import negotiation
from gateway.cli import main
from gateway.dicomweb import answers as answers_module
from gateway.dicomweb import service
from gateway.statement import statement
from gateway.statuses import REJECTION_CODES, EventStatus, Status

CONFIG = """
listener: {ae_titles: [SONOVEIL, ECHO], port: 4242, timeouts: {idle: 7m}}
nodes:
  clinical: {ae_title: CLINICAL, host: [10.0.0.5, 10.0.8.0/24], allow_store: true}
  research: {ae_title: RESEARCH, host: 10.0.1.7, port: 104, local_aet: SENDER, allow_echo: false}
storage: {path: store}
rules:
  - {name: echo, from: clinical, profile: strict, project: p1, target: [research]}
  - {name: default, fallback: true, action: hold}
send: {retry_max: 5}
secrets: {key_file: key}
"""


@pytest.fixture
def file(tmp_path):
    """Return a configuration file."""
    write_key(tmp_path / "key")
    (tmp_path / "gateway.yaml").write_text(CONFIG)
    return tmp_path / "gateway.yaml"


def test_every_status_rejection_and_syntax_of_the_code_is_in_it(file):
    """Whoever adds one says what it means, or this fails."""
    text = statement(load_gateway(file), "1.2.3")

    for status in Status:
        assert f"| 0x{status.value:04X} |" in text
    for code in REJECTION_CODES.values():
        assert f"| {code.result} | {code.source} | {code.reason} |" in text
    listed = re.findall(r"^\| \d+ \| [^|]+ \| ([0-9.]+) \|$", text, re.MULTILINE)
    assert listed == [str(uid) for uid in (*negotiation.LOSSLESS_COMPRESSED, *negotiation.UNCOMPRESSED)]


def test_it_is_about_this_configuration(file):
    """AE titles, addresses, timeouts, retries, the profile's codes, and who is what to whom."""
    text = statement(load_gateway(file), "1.2.3")

    assert "Sonoveil 1.2.3" in text
    assert "| AE titles answered | SONOVEIL, ECHO |" in text
    assert "| for the next message | 420 |" in text
    assert "tries: 5" in text
    assert "| 113101 | Clean Pixel Data Option |" in text
    assert "113107" not in text
    assert "| research | RESEARCH | 10.0.1.7 | none | 10.0.1.7:104 | SENDER | none | echo |" in text
    assert "answered to clinical." in text


def test_storage_commitment_is_stated_as_it_is_configured(file):
    """Who is asked, when again, what its report is answered; never as an SCP."""
    without = statement(load_gateway(file), "1")
    file.write_text(CONFIG.replace("local_aet: SENDER", "local_aet: SENDER, storage_commitment: true"))
    text = statement(load_gateway(file), "1")

    assert "Asked of: nobody in this configuration." in without
    assert "| Storage Commitment Push Model | yes | no |" in text
    assert "Asked of: research." in text
    assert "| research | 86400 |" in text
    assert "1.2.840.10008.1.20.1.1" in text
    for status in EventStatus:
        assert f"| 0x{status.value:04X} |" in text.partition("Status of N-EVENT-REPORT")[2]
    assert "| research | RESEARCH | 10.0.1.7 | report commitment |" in text
    assert "**Storage Commitment as SCP.**" in text


def test_the_audit_trail_is_stated_as_it_is_configured(file):
    """Where messages go, what they are, and what of a patient they say."""
    without = statement(load_gateway(file), "1")
    (file.parent / "ca").write_text("-")
    syslog = "audit: {participants: pseudonyms, syslog: {host: audit.example, tls: {trusted_certificates: ca}}}"
    file.write_text(f"{CONFIG}{syslog}\n")
    text = statement(load_gateway(file), "1")

    assert "sent to no repository" in without
    assert "name no patient and no study" in without
    assert "| receive | 110104 DICOM Instances Transferred | none | C |" in without
    assert "sent to audit.example:6514 by the profile SYSLOG-TLS" in text
    assert "name the new study and the pseudonym" in text


@pytest.mark.parametrize("commitment", [False, True])
def test_tables_are_tables(file, commitment):
    """Every row of a table has as many cells as its head."""
    file.write_text(CONFIG.replace("allow_echo: false", f"allow_echo: false, storage_commitment: {commitment}".lower()))
    lines = statement(load_gateway(file), "1").splitlines()

    for above, line in pairwise(lines):
        if line.startswith("|") and above.startswith("|"):
            assert line.count("|") == above.count("|"), line


def test_the_command_prints_it(file, capsys):
    """And nothing else."""
    assert main(["statement", "-c", str(file)]) == 0

    printed = capsys.readouterr()
    assert printed.out.startswith("# DICOM conformance statement: Sonoveil ")
    assert printed.err == ""


def _with_dicomweb(file):
    """Add a target with a url, a caller and the service to the configuration."""
    token = file.parent / "token"
    token.write_text("0123456789abcdef" * 4)
    token.chmod(0o600)
    text = CONFIG.replace(
        "storage:",
        "  web: {url: 'http://127.0.0.1:8042/dicom-web', token_file: token}\n"
        "  viewer: {allow_store: true, caller_token_file: token}\n"
        "dicomweb: {port: 8181, max_request: 3GB}\nstorage:",
    )
    file.write_text(text)
    return load_gateway(file)


def test_it_says_what_is_offered_and_asked_by_dicomweb(file):
    """Every failure reason and status that is answered, limits, who may call, and what answers mean."""
    without = statement(load_gateway(file), "1.2.3")
    text = statement(_with_dicomweb(file), "1.2.3")

    assert "Not offered in this configuration: nothing listens." in without
    assert "`http://127.0.0.1:8181/dicom-web/studies`" in text
    assert "Known: viewer." in text
    assert "| bytes in a request | 3000000000 |" in text
    assert "| web | http://127.0.0.1:8042/dicom-web | a bearer token |" in text
    assert "| web | none | any | echo | http://127.0.0.1:8042/dicom-web | none | none | none |" in text
    assert "Storage commitment is not part of DICOMweb" in text
    answers = text[text.index("## DICOMweb: Studies Service, Store, as origin server") :]
    for status in {*Status} - {Status.SUCCESS}:
        assert f"| 0x{status.value:04X} |" in answers
    source = inspect.getsource(answers_module) + inspect.getsource(service)
    for name in set(re.findall(r"HTTPStatus\.([A-Z_]+)", source)):
        assert f"| {HTTPStatus[name].value} {HTTPStatus[name].phrase} |" in answers, name
