import sys
import time
from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.tracking.ui_server import LOOPBACK, Program, is_private, start_server

# Takes the options that every server is given, and answers after a while.
SLOW = """
import http.server, sys, time
time.sleep(1)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[-1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def program(folder: Path, source: str) -> Program:
    (folder / "server.py").write_text(source)
    return Program("the page", [sys.executable, "server.py"], folder, "server.log", "/", 0, {})


def test_a_server_is_waited_for_as_long_as_it_lives(tmp_path: Path) -> None:
    began = time.monotonic()

    with start_server(program(tmp_path, SLOW), None, LOOPBACK, None) as server:
        assert server.lives

    assert time.monotonic() - began > 1
    assert not server.lives


def test_one_that_takes_longer_than_the_limit_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"expected the page at http://127.0.0.1:.* did not start"):
        start_server(program(tmp_path, SLOW), None, LOOPBACK, 0.2)


def test_one_that_ends_is_not_waited_for_and_its_log_is_shown(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"server\.log ends with:\nno luck"):
        start_server(program(tmp_path, "raise SystemExit('no luck')"), None, LOOPBACK, None)


@pytest.mark.parametrize(
    ("host", "private"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False)]
)
def test_only_the_loopback_address_is_private(host: str, private: bool) -> None:
    assert is_private(host) == private
