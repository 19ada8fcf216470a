"""Free text without what may identify: the cleaning that Clean Descriptors asks for (PS3.15 E.3.5).

A text is cut into pieces (`plan`); patterns (`patterns`, `written_dates`, `ages`) claim theirs first; of the rest only
known words (`words`) and harmless shapes (`shapes`) stay; then the identifiers of the object are taken out (`cleaner`).
Rule of the package: an allow-list. When in doubt it goes; medical words stay.
"""

from __future__ import annotations

from pipeline.header.text.cleaner import TextCleaner
from pipeline.header.text.code_strings import known_code_string
from pipeline.header.text.pieces import Decision, Outcome

__all__ = ["Decision", "Outcome", "TextCleaner", "known_code_string"]
