"""What the cone network takes and gives, for those who write its file and those who open it."""

from __future__ import annotations

from models.cone.letterbox import SIDE_PX
from models.contract import Contract

CONTRACT = Contract(
    input_name="image",
    input_shape=(None, 1, SIDE_PX, SIDE_PX),
    output_names=("probability",),
    output_ranks=(4,),
    metadata_keys=(),
)
"""`image`: grey of 0 to 1; `probability`: of the same shape, 0 to 1."""
