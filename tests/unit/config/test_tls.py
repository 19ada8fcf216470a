"""TLS sections: what is missing is named with its line, what is not written comes from the listener."""

import pytest

from config.load import ConfigurationError, load_gateway

FILES = "certificate: tls/crt, private_key: tls/key, trusted_certificates: tls/ca"


@pytest.fixture
def tls_files(folder):
    """Put three files in place, the key for its owner only."""
    (folder / "tls").mkdir()
    for name in ("crt", "key", "ca"):
        (folder / "tls" / name).write_text("-")
        (folder / "tls" / name).chmod(0o600)
    return folder / "tls"


def listener(settings):
    """Return the change that gives the listener a TLS section."""
    return ("{ae_titles: [SONOVEIL]}", f"{{ae_titles: [SONOVEIL], tls: {{{settings}}}}}")


def research(settings):
    """Return the change that gives the target a TLS section."""
    return ("port: 104}", f"port: 104, tls: {{{settings}}}}}")


def problems(file):
    """Return what is wrong as text."""
    with pytest.raises(ConfigurationError) as caught:
        load_gateway(file)
    return str(caught.value)


def test_what_a_node_does_not_say_comes_from_the_listener(gateway_file, tls_files):
    """Its own name stays its own."""
    config = load_gateway(gateway_file(listener(FILES), research("server_name: pacs.example")))

    towards = config.tls_towards("research")
    assert towards.certificate == tls_files / "crt"
    assert towards.trusted_certificates == tls_files / "ca"
    assert towards.server_name == "pacs.example"
    assert config.tls_towards("clinical") is None


def test_a_node_with_files_of_its_own_keeps_them(gateway_file, tls_files):
    """Also where the listener has none."""
    config = load_gateway(gateway_file(research("trusted_certificates: tls/ca")))

    assert config.tls_towards("research").trusted_certificates == tls_files / "ca"
    assert config.tls_towards("research").certificate is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (listener("certificate: tls/crt, private_key: tls/key"), "write `trusted_certificates: FILE`"),
        (listener(f"{FILES.replace('tls/crt', 'tls/none')}"), "listener.tls.certificate: there is no file"),
        (research("certificate: tls/crt, trusted_certificates: tls/ca"), "`certificate` and `private_key`"),
        (research("server_name: pacs.example"), "write `trusted_certificates: FILE`, the authority of this node's"),
        (research("client_name: a.example, trusted_certificates: tls/ca"), "callers show no certificate"),
        (listener(f"{FILES}, ciphers: ALL"), "unknown key `listener.tls.ciphers`"),
    ],
)
def test_what_cannot_work_is_named(gateway_file, tls_files, change, said):
    """Before anything is started."""
    assert said in problems(gateway_file(change))


def test_a_private_key_that_others_can_read_is_refused(gateway_file, tls_files):
    """As the site's key is."""
    (tls_files / "key").chmod(0o640)

    assert "listener.tls.private_key: others can use the key file (mode 0640)" in problems(
        gateway_file(listener(FILES))
    )
