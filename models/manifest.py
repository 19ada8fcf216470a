"""Weights and what is known of them: the record, and the file that lies beside weights that were made here.

The rule of this file: a manifest is either understood completely or the model is unavailable; nothing in it is guessed.
Weights that a package brings are pinned in the catalogue's own code; weights that a command of this product wrote
(the shipped cone model, an EasyOCR export) are pinned by the `manifest.json` that the same command wrote beside them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.contract import Contract
from models.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MANIFEST = "manifest.json"
_SHA256_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One model file and what it must be.

    Parameters
    ----------
    name
        The catalogue's name.
    file
        The file's name, without a folder.
    sha256
        What it hashes to, lower-case hexadecimal.
    licence
        SPDX expression.
    source
        Where it comes from, in a few words.
    contract
        What it takes and gives.
    """

    name: str
    file: str
    sha256: str
    licence: str
    source: str
    contract: Contract


def write_manifest(folder: Path, weights: Sequence[Weights]) -> Path:
    """Write the manifest of a folder of weights, replacing one that is there.

    Returns
    -------
    Path
        The file.
    """
    path = folder / MANIFEST
    content = {"models": [_as_json(one) for one in weights]}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def read_manifest(folder: Path, *, name: str) -> Weights:
    """Read what a folder's manifest says about one model.

    Parameters
    ----------
    folder
        Where weights and manifest lie.
    name
        The model asked for.

    Raises
    ------
    ModelUnavailable
        There is no manifest, it is not understood, or it does not name the model.
    """
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        found = [one for one in content["models"] if one["name"] == name]
        if len(found) == 1:
            return _from_json(found[0])
    except OSError as error:
        raise ModelUnavailable(name, f"its manifest cannot be read ({type(error).__name__})") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(name, f"its manifest is not understood ({type(error).__name__})") from None
    raise ModelUnavailable(name, f"the manifest names it {len(found)} times")


def names_in(folder: Path) -> tuple[str, ...]:
    """List the models a folder's manifest names; none where there is no readable manifest."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return tuple(str(one["name"]) for one in content["models"])
    except (OSError, ValueError, KeyError, TypeError):
        # Not an outcome: whoever opens the model meets the same fault as ModelUnavailable.
        return ()


def _as_json(weights: Weights) -> dict[str, Any]:
    contract = weights.contract
    return {
        "name": weights.name,
        "file": weights.file,
        "sha256": weights.sha256,
        "licence": weights.licence,
        "source": weights.source,
        "contract": {
            "input_name": contract.input_name,
            "input_shape": list(contract.input_shape),
            "output_names": list(contract.output_names),
            "output_ranks": list(contract.output_ranks),
            "metadata_keys": list(contract.metadata_keys),
        },
    }


def _from_json(content: dict[str, Any]) -> Weights:
    contract = content["contract"]
    file, sha256 = str(content["file"]), str(content["sha256"])
    if "/" in file or "\\" in file or file.startswith(".") or len(sha256) != _SHA256_LENGTH:
        raise ValueError("a manifest names files beside it and their SHA-256")
    return Weights(
        name=str(content["name"]),
        file=file,
        sha256=sha256,
        licence=str(content["licence"]),
        source=str(content["source"]),
        contract=Contract(
            input_name=str(contract["input_name"]),
            input_shape=tuple(None if axis is None else int(axis) for axis in contract["input_shape"]),
            output_names=tuple(str(output) for output in contract["output_names"]),
            output_ranks=tuple(int(rank) for rank in contract["output_ranks"]),
            metadata_keys=tuple(str(key) for key in contract["metadata_keys"]),
        ),
    )
