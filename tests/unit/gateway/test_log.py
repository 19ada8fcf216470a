"""Log lines carry only what the allow-list has."""

import json
import logging
import sys
import threading
import warnings

import pytest

from gateway import log


def test_a_line_is_one_json_object(capsys):
    """With the event's name and the fields that have a value."""
    log.event("received", node="clinical", bytes=5, reason=None)

    line = json.loads(capsys.readouterr().err)
    assert line.keys() == {"at", "event", "node", "bytes"}


def test_a_field_outside_the_list_is_refused(capsys):
    """There is no way to log a name by accident."""
    with pytest.raises(log.FieldNotAllowedError):
        log.event("received", patient="Dalloway^Clarissa")
    assert capsys.readouterr().err == ""


def test_a_fault_says_class_and_place_and_never_the_message(capsys):
    """An error's message may quote a header."""
    try:
        raise ValueError("Dalloway^Clarissa")
    except ValueError as error:
        log.fault("broken", error)

    text = capsys.readouterr().err
    assert "Dalloway" not in text
    assert json.loads(text)["error"] == "ValueError"
    assert json.loads(text)["where"].startswith("test_log.py:")


def test_silenced_libraries_and_uncaught_errors_say_nothing_of_a_patient(capsys, monkeypatch):
    """Loggers, warnings and tracebacks of other libraries quote values."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    with warnings.catch_warnings():
        try:
            log.silence_others()
            logging.getLogger("pydicom").error("Dalloway")
            warnings.warn("Dalloway", stacklevel=1)
            sys.excepthook(ValueError, ValueError("Dalloway"), None)
            thread = threading.Thread(target=lambda: int("Dalloway"))
            thread.start()
            thread.join()
        finally:
            logging.disable(logging.NOTSET)

    text = capsys.readouterr().err
    assert "Dalloway" not in text
    assert [json.loads(line)["event"] for line in text.splitlines()] == ["uncaught", "uncaught_in_thread"]


def test_a_command_may_leave_lines_out(capsys, monkeypatch):
    """Those that it names, and no other."""
    monkeypatch.setattr(log, "_left_out", set())
    log.leave_out("received")
    log.event("received", node="clinical")
    log.event("not_stored", error="OSError")

    assert json.loads(capsys.readouterr().err)["event"] == "not_stored"
