"""Every type of the configuration under one roof: `gateway.yaml` (`config.gateway`) and a profile (`config.profile`).

Rule of the file: names only. `config.load` turns files into these types.
"""

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

__all__ = [
    "AVAILABLE_OPTIONS",
    "Cone",
    "DateShift",
    "DeviceMask",
    "Option",
    "PatientIds",
    "Pixels",
    "PrivateTags",
    "Profile",
    "Review",
    "Sidecar",
    "TagRule",
    "Text",
    "profile_sha256",
]
