"""Log lines as JSON on standard error, by an allow-list of fields.

Every line is an event name of ours and fields whose names stand in `FIELDS`; values are configuration names, numbers,
UIDs of classes and syntaxes, our own row numbers and error class names. Nothing that a peer or a header says can be
passed, because there is no field for it. Other libraries' loggers are silenced: theirs print data sets.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

FIELDS = frozenset(
    {
        "action", "actor", "attempt", "bytes", "called_aet", "count", "delivery", "error", "event", "host", "instance",
        "kind", "line", "model", "node", "outcome", "pid", "port", "process", "profile", "reason", "rule", "seconds",
        "sop_class", "state", "status", "syntax", "target", "version", "where", "why",
    }
)  # fmt: skip


_left_out: set[str] = set()


class FieldNotAllowedError(Exception):
    """A log field outside the allow-list: a fault of this program, found by its tests."""


def event(name: str, /, **fields: str | float | None) -> None:
    """Write one line.

    Raises
    ------
    FieldNotAllowedError
        When a field is not in `FIELDS`.
    """
    unknown = fields.keys() - FIELDS
    if unknown:
        raise FieldNotAllowedError(", ".join(sorted(unknown)))
    if name in _left_out:
        return
    line = {"at": round(time.time(), 3), "event": name, **{k: v for k, v in fields.items() if v is not None}}
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


def leave_out(*names: str) -> None:
    """Write no lines of these events in this process: a command whose standard error a person reads."""
    _left_out.update(names)


def where_raised(error: BaseException) -> str:
    """Return `file.py:line` of the innermost frame: a place, never a value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119  a code object's name is no path of ours


def fault(name: str, error: BaseException, /, **fields: str | float | None) -> None:
    """Write a line about an unexpected error: its class and place, never its message, which may quote a header."""
    event(name, error=type(error).__name__, where=where_raised(error), **fields)


def _excepthook(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    fault("uncaught", error)


def _thread_excepthook(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        fault("uncaught_in_thread", args.exc_value)


def silence_others() -> None:
    """Stop every other way by which a header value could reach a stream.

    Loggers and warnings of pydicom and pynetdicom quote values; a traceback quotes an error's message.
    """
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.excepthook = _excepthook
    threading.excepthook = _thread_excepthook
