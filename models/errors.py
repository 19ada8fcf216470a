"""What can go wrong with a model, and what it means for the image that waits for it.

The rule of this file: a model that broke and a model that found nothing are different types. A caller that catches
one of these errors has *no* result; an empty tuple is only ever returned by a model that ran to its end.

    ModelError
    ├── ModelUnavailable   the model cannot be used at all: missing, altered, other contract, no such device
    └── ModelFailed        the model was open and one call of it broke

Messages are constants, class names and numbers: nothing of the image, and no recognised text, is in them.
"""

from __future__ import annotations


class ModelError(Exception):
    """Base of the errors of this package.

    Parameters
    ----------
    name
        The catalogue's name of the model.
    why
        One sentence for an administrator.
    """

    def __init__(self, name: str, why: str) -> None:
        # Both arguments go to the base class, so that the error survives the way between processes.
        super().__init__(name, why)
        self.name = name
        self.why = why

    def __str__(self) -> str:
        return f"model {self.name}: {self.why}"


class ModelUnavailable(ModelError):
    """The model cannot be used: missing, altered, of another contract, or its device does not exist."""


class ModelFailed(ModelError):
    """One call of an open model broke; there is no result."""
