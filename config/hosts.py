"""AE titles, hosts and ports, checked as they are written.

Rule of the file: nothing is looked up; a name is only checked for being possible.
"""

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field


def _ae_title(value: str) -> str:
    if not re.fullmatch(r"[\x20-\x5B\x5D-\x7E]{1,16}", value) or not value.strip():
        raise ValueError(
            f"{value!r} is no AE title; write 1 to 16 ASCII characters, without backslash or control characters, "
            "not only spaces"
        )
    return value.strip()


def _host(value: str) -> str:
    if re.fullmatch(r"[0-9.]+(/[0-9]+)?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/[0-9]+)?", value, re.ASCII):
        return _network(value)
    label = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
    if len(value) > 253 or not re.fullmatch(rf"{label}(\.{label})*\.?", value, re.ASCII):  # noqa: PLR2004  RFC 1035
        raise ValueError(f"{value!r} is no host; write a name, an address (10.0.0.5) or a network (10.0.8.0/24)")
    return value


def _network(value: str) -> str:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{value!r} is no address; write one like 10.0.0.5, or a network like 10.0.8.0/24") from None
    if "/" in value and ipaddress.ip_interface(value).ip != network.network_address:
        raise ValueError(f"{value} has bits beyond its network; write {network}")
    return value


def _bind_host(value: str) -> str:
    if "/" in value:
        raise ValueError(f"{value!r} is a network; write the one address to listen on, such as 0.0.0.0 or 127.0.0.1")
    return _host(value)


def is_network(host: str) -> bool:
    """Tell whether a checked host is a network (`10.0.8.0/24`), which cannot be connected to."""
    return "/" in host


def _web_url(value: str) -> str:
    example = "write the root of its DICOMweb service, such as https://pacs.example/dicom-web"
    if not re.fullmatch(r"https?://[!-~]+", value, re.ASCII):
        raise ValueError(f"{value!r} is no URL; {example}")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{value!r} has no possible host and port; {example}") from None
    if "@" in parts.netloc:
        raise ValueError(f"a URL carries no user and no password here, write `token_file`; {example}")
    if "?" in value or "#" in value or not host:
        raise ValueError(f"{value!r} is more or less than a root; {example}")
    _host(host)
    return value.rstrip("/")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


AETitle = Annotated[str, AfterValidator(_ae_title)]
Host = Annotated[str, AfterValidator(_host)]
BindHost = Annotated[str, AfterValidator(_bind_host)]
Port = Annotated[int, Field(ge=1, le=65_535)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
"""The root of a DICOMweb service, without a slash at its end."""
