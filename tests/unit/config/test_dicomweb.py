"""Settings of DICOMweb: nodes with a `url`, callers with a token, the service; nothing is open by default."""

from __future__ import annotations

import re

import pytest

from config.load import ConfigurationError, load_gateway, write_key
from tests.factories.shipped import text_of, usable_configuration

TOKEN = "0123456789abcdef" * 4
RULES = """
rules:
  - {name: all, from: FROM, profile: strict, project: p, target: [research]}
  - {name: default, fallback: true, action: hold}
storage: {path: store}
secrets: {key_file: secret/key}
"""


@pytest.fixture
def loaded(tmp_path):
    """Load a configuration of these nodes, with what stands beside them."""
    (tmp_path / "secret").mkdir()
    write_key(tmp_path / "secret" / "key")

    def secret(name, content, mode=0o600):
        path = tmp_path / "secret" / name
        path.write_text(content)
        path.chmod(mode)

    for name in ("token", "tls"):
        secret(name, f"{TOKEN}\n")
    secret("other", "fedcba9876543210" * 4)
    secret("short", "0123456789")
    secret("spaced", "two words")
    secret("open", TOKEN, mode=0o644)

    def load(nodes, beside="", sender="viewer"):
        file = tmp_path / "gateway.yaml"
        file.write_text(f"nodes:\n{nodes}\n{beside}\n{RULES.replace('FROM', sender)}")
        return load_gateway(file)

    return load


VIEWER = "  viewer: {allow_store: true, caller_token_file: secret/token}"
RESEARCH = "  research: {url: 'http://10.0.1.7:8042/dicom-web/', max_associations: 2}"
HTTPS = "  research: {url: 'https://pacs.example/dicom-web', tls: {trusted_certificates: secret/tls}"
SERVICE = "dicomweb: {port: 8081}"


def test_a_node_with_a_url_is_a_target_and_one_with_a_token_is_a_sender(loaded):
    """Neither has an AE title, a host or a port."""
    config = loaded(f"{VIEWER}\n{RESEARCH}", SERVICE)

    research = config.nodes["research"]
    assert (research.url, research.ae_title, research.port) == ("http://10.0.1.7:8042/dicom-web", "", None)
    assert (research.web_host, research.is_encrypted) == ("10.0.1.7", False)
    assert (config.dicomweb.host, config.dicomweb.port) == ("127.0.0.1", 8081)
    assert TOKEN not in repr(config)


def test_nothing_is_served_unless_it_is_written(loaded):
    """By default there is no DICOMweb service."""
    config = loaded(f"  clinical: {{ae_title: C, host: 10.0.0.5, allow_store: true}}\n{RESEARCH}", sender="clinical")

    assert config.dicomweb is None


def test_what_the_example_shows_in_comments_loads_as_it_stands(tmp_path):
    """Its commented lines about DICOMweb become lines; only the files that they name are made."""
    begin, end = "  # research-web:", "# ---- Where everything lies"
    text = text_of("config/gateway.yaml")
    nodes = text[text.index(begin) : text.index(end)]
    service = text[text.index("# dicomweb:\n") :]
    for block in (nodes, service):
        text = text.replace(block, re.sub(r"^( *)# ( *[a-z_-]+:.*)$", r"\1\2", block, flags=re.MULTILINE))
    for name in re.findall(r"(?:secrets|tls)/[\w.]+", nodes + service):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name.replace('/', '-')}-{TOKEN}")
        path.chmod(0o600)

    config = load_gateway(usable_configuration(text, tmp_path))

    assert config.nodes["research-web"].is_encrypted
    assert config.nodes["viewer"].tls.client_name == "viewer.hospital.example"
    assert config.dicomweb.tls.require_client_certificate


WRONG = {
    "a url and a port": (RESEARCH.replace("}", ", ae_title: X, host: x, port: 104}"), SERVICE, "remove one"),
    "a url that is none": (RESEARCH.replace("http://", "http:/"), SERVICE, "is no URL"),
    "a url of another scheme": (RESEARCH.replace("http:", "ftp:"), SERVICE, "is no URL"),
    "a url with a password": (RESEARCH.replace("10.0.1.7", "me:secret@10.0.1.7"), SERVICE, "write `token_file`"),
    "a url with a query": (RESEARCH.replace("dicom-web/", "dicom-web?x=1"), SERVICE, "more or less than a root"),
    "a url with an impossible port": (RESEARCH.replace("8042", "80420"), SERVICE, "no possible host and port"),
    "a url with an impossible host": (RESEARCH.replace("10.0.1.7", "10.0.1.777"), SERVICE, "is no address"),
    "a token over plain http": (RESEARCH.replace("}", ", token_file: secret/token}"), SERVICE, "write an https"),
    "https and nobody who is trusted": (
        "  research: {url: 'https://pacs.example/dicom-web'}",
        SERVICE,
        "write `tls: {trusted_certificates: FILE}`",
    ),
    "commitment over DICOMweb": (HTTPS + ", storage_commitment: true}", SERVICE, "has no storage commitment"),
    "a token for a node without url": (
        "  research: {ae_title: R, host: x, port: 104, token_file: secret/token}",
        SERVICE,
        "shown to a node that has a `url`",
    ),
    "an absent token": (HTTPS + ", token_file: secret/absent}", SERVICE, "openssl rand"),
    "a token that others can read": (HTTPS + ", token_file: secret/open}", SERVICE, "chmod 600"),
    "a token that is none": (HTTPS + ", token_file: secret/spaced}", SERVICE, "holds no bearer token"),
    "neither title nor url": ("  research: {host: 10.0.1.7}", SERVICE, "`ae_title` is missing"),
    "a service on a network": (RESEARCH, "dicomweb: {host: 0.0.0.0}", "needs `tls: {...}`, or `behind_proxy: true`"),
    "a service on a taken port": (RESEARCH, "dicomweb: {port: 11112}", "the listener has port 11112 already"),
    "a service on the port of metrics": (RESEARCH, "dicomweb: {port: 9108}", "metrics has port 9108 already"),
    "a token and no service": (RESEARCH, "", "there is no service to call"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_named_with_what_to_write(loaded, case):
    """And no token is ever in the text."""
    nodes, beside, text = case

    with pytest.raises(ConfigurationError) as caught:
        loaded(f"{VIEWER}\n{nodes}", beside)

    assert text in str(caught.value)
    assert not any(secret in str(caught.value) for secret in (TOKEN, "two words", "me:secret"))


CALLERS = {
    "who may not store": ("  viewer: {caller_token_file: secret/token}", "add `allow_store: true`"),
    "a short token": ("  viewer: {allow_store: true, caller_token_file: secret/short}", "can be guessed"),
    "one token for two": (
        f"{VIEWER}\n  second: {{allow_store: true, caller_token_file: secret/token}}",
        "`viewer` shows the same token",
    ),
    "nobody who may call": ("  viewer: {ae_title: V, host: x, allow_store: true}", "no node may call it"),
}


@pytest.mark.parametrize("case", CALLERS.values(), ids=CALLERS.keys())
def test_a_service_is_for_callers_who_can_be_told_apart(loaded, case):
    """Each has a secret of its own, and may store."""
    nodes, text = case

    with pytest.raises(ConfigurationError, match=re.escape(text)):
        loaded(f"{nodes}\n{RESEARCH}", SERVICE)


@pytest.mark.parametrize("beside", ["dicomweb: {host: 0.0.0.0, behind_proxy: true}", "dicomweb: {host: '::1'}"])
def test_a_proxy_or_loopback_needs_no_tls(loaded, beside):
    """Elsewhere tokens would be readable on the way."""
    assert loaded(f"{VIEWER}\n{RESEARCH}", beside).dicomweb.tls is None
