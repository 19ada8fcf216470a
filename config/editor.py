"""The JSON schema of `gateway.yaml`, for editors that complete and check while one types.

Rule of the file: derived from the models; what it cannot express (rules against nodes, secrets) is checked by
`config.load` only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from config.gateway import GatewayConfig
from config.section import Section
from config.units import format_duration


class _AsWritten(GenerateJsonSchema):
    """Defaults as they would be written in the file."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, Section):
            return {}
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def gateway_json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of `gateway.yaml`."""
    schema = GatewayConfig.model_json_schema(by_alias=True, schema_generator=_AsWritten)
    listener = schema["$defs"]["Listener"]["properties"]
    listener["ae_title"] = {"type": "string"}
    return schema
