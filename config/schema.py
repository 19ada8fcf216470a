"""Every type of the configuration under one roof: `gateway.yaml` (`config.gateway`) and a profile (`config.profile`).

Rule of the file: names only. `config.load` turns files into these types.
"""

from config.gateway import (
    Completion,
    GatewayConfig,
    Listener,
    Metrics,
    ModelsConfig,
    Node,
    Processing,
    Retention,
    Secrets,
    Send,
    Storage,
    Timeouts,
    Tls,
    Web,
)
from config.private import PrivateTag
from config.profile import (
    AVAILABLE_OPTIONS,
    Cone,
    DateShift,
    DeviceMask,
    Option,
    PatientIds,
    Pixels,
    PrivateTags,
    Profile,
    Review,
    Sidecar,
    TagRule,
    Text,
    profile_sha256,
)
from config.rule import Match, Rule

__all__ = [
    "AVAILABLE_OPTIONS",
    "Completion",
    "Cone",
    "DateShift",
    "DeviceMask",
    "GatewayConfig",
    "Listener",
    "Match",
    "Metrics",
    "ModelsConfig",
    "Node",
    "Option",
    "PatientIds",
    "Pixels",
    "PrivateTag",
    "PrivateTags",
    "Processing",
    "Profile",
    "Retention",
    "Review",
    "Rule",
    "Secrets",
    "Send",
    "Sidecar",
    "Storage",
    "TagRule",
    "Text",
    "Timeouts",
    "Tls",
    "Web",
    "profile_sha256",
]
