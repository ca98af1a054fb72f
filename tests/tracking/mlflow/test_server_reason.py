"""Servers that repeat the request, with user and password, in every part of an answer that somebody may print."""

import base64
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking._base import AbstractTracker
from harness.tracking.delivery.destination import parse_destination

Answer = tuple[int, str, dict[str, str], str]  # status, its reason, headers, content

JSON = {"Content-Type": "application/json"}


def in_json(status: int, content: object) -> Answer:
    return status, "OK", JSON, json.dumps(content)


def run_with(echo: str) -> dict[str, object]:
    return {"info": {"run_id": echo, "start_time": echo, "status": echo}}


ANSWERS: dict[str, Callable[[str], Answer]] = {
    "status 404 Not Found": lambda echo: (404, "OK", {}, f"<html>no page for {echo}</html>"),
    "status 401 Unauthorized": lambda echo: (401, echo, {"WWW-Authenticate": echo}, echo),
    "status 503 Service Unavailable": lambda echo: (503, echo, {}, echo),
    "the error BAD_REQUEST": lambda echo: in_json(400, {"error_code": "BAD_REQUEST", "message": echo}),
    "none of MLflow's": lambda echo: in_json(400, {"error_code": echo, "message": echo}),
    "none of MLflow's, a detail": lambda echo: in_json(401, {"detail": echo}),
    "none of MLflow's, text": lambda echo: (200, "OK", {}, echo),
    "none of MLflow's, a list": lambda echo: in_json(200, [echo]),
    "none of MLflow's, other types": lambda echo: in_json(200, {"experiment": echo, "runs": [run_with(echo)]}),
    "none of MLflow's, not packed": lambda echo: (200, "OK", {"Content-Encoding": "gzip"}, echo),
    "none of MLflow's, a header": lambda echo: (200, f"OK\r\n{echo}", JSON, echo),
    "it redirects without end": lambda echo: (302, "OK", {"Location": f"/{echo}".replace(" ", "")}, ""),
    "Connection refused": lambda echo: (302, "OK", {"Location": f"http://127.0.0.1:9/{echo}".replace(" ", "")}, ""),
}


class Echoing(BaseHTTPRequestHandler):
    """Answers with what the request held, as `answer` puts it."""

    answer: Callable[[str], Answer]

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        words = self.headers.get("Authorization", "nobody")
        status, reason, headers, content = type(self).answer(f"{words} {base64.b64decode(words.split()[-1]).decode()}")
        body = content.encode()
        lines = [f"HTTP/1.0 {status} {reason}", *map(": ".join, headers.items()), f"Content-Length: {len(body)}"]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def echoing(answer: Callable[[str], Answer]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Echoing,), {"answer": staticmethod(answer)}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def show(tracker: AbstractTracker, study: StudyRecord, run: RunRecord) -> None:
    tracker.begin_study(study)
    tracker.project_run(run, History())


@pytest.mark.parametrize("reason", ANSWERS)
def test_what_a_server_says_of_the_request_is_never_repeated(
    reason: str,
    study: StudyRecord,
    run: RunRecord,
    tmp_path: Path,
    password: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    caplog.set_level(logging.WARNING)
    with echoing(ANSWERS[reason]) as address:
        destination = parse_destination(f"http://ada:{password}@{address}", tmp_path)
        for name, text in destination.credentials.items():
            monkeypatch.setenv(name, text)
        tracker = destination.open_tracker(tmp_path)
        with pytest.raises(HarnessError, match=reason.partition(",")[0]) as caught:
            show(tracker, study, run)

    said = "\n".join([str(caught.value), *capfd.readouterr(), caplog.text])
    secret = base64.b64encode(f"ada:{password}".encode()).decode()
    assert [word for word in (password, secret) if word in said] == []
    assert "\n" not in str(caught.value)
