"""The peers themselves: what the acceptance tests rely on does what it says."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from tests.peers import programs
from tests.peers.prometheus import prometheus


def test_prometheus_scrapes_what_is_served(tmp_path):
    """A value set here is read back through a query."""
    registry = CollectorRegistry()
    Gauge("sonoveil_test_value", "A value.", registry=registry).set(42)
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        with prometheus(tmp_path, [f"127.0.0.1:{server.server_port}"]) as watcher:
            watcher.wait_for_scrape()

            assert watcher.value("sonoveil_test_value") == 42
            assert watcher.value("no_such_metric") is None
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_missing_program_skips_on_a_laptop_and_fails_on_ci(monkeypatch):
    """A skip that nobody sees would be a check that cannot fail."""
    monkeypatch.setenv("CI", "false")
    with pytest.raises(pytest.skip.Exception, match="no-such-program"):
        programs.find("no-such-program")

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        programs.find("no-such-program")


def test_a_condition_that_never_holds_fails_with_its_name():
    """The message says what was waited for."""
    with pytest.raises(pytest.fail.Exception, match="the moon"):
        programs.wait_until(lambda: False, what="the moon", seconds=0.1)


def test_a_program_that_ends_at_once_is_reported_with_its_output(tmp_path):
    """A peer that does not start is not waited for in vain."""
    log = tmp_path / "log"
    with (
        programs.running(["/bin/sh", "-c", "echo broken; exit 3"], log=log) as process,
        pytest.raises(pytest.fail.Exception, match=r"ended with 3: broken"),
    ):
        programs.wait_for_port(process, programs.free_port(), what="the program", log=log)
