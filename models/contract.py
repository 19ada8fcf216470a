"""What a model must take and give.

Rule of the file: data alone, so that the catalogue can be listed by a process that opens no model.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a model must take and give, checked when it is opened.

    Parameters
    ----------
    input_name
        The one input.
    input_shape
        Its shape; None stands for an axis of any size (a symbolic axis).
    output_names
        All outputs, in order.
    output_ranks
        Number of axes of each output.
    metadata_keys
        Keys that must be in the model's own metadata.

    Notes
    -----
    Inputs and outputs are float32 in every model of this product.
    """

    input_name: str
    input_shape: tuple[int | None, ...]
    output_names: tuple[str, ...]
    output_ranks: tuple[int, ...]
    metadata_keys: tuple[str, ...]
