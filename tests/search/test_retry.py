import logging

import pytest

from harness.core.errors import AwayError, HomeError
from harness.search import retry
from harness.search.retry import ATTEMPTS, retry_on_disconnect


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSE_S", 0.0)


def test_what_a_server_broke_off_is_done_again(caplog: pytest.LogCaptureFixture) -> None:
    ends = [AwayError("the database went away"), AwayError("the database went away"), None]

    def action() -> str:
        if error := ends.pop(0):
            raise error
        return "done"

    with caplog.at_level(logging.WARNING):
        result = retry_on_disconnect(action)

    assert result == "done"
    assert caplog.messages == ["the database went away; going on from what is stored"] * 2


def test_a_server_that_breaks_everything_off_is_given_up() -> None:
    calls = list[int]()

    def action() -> None:
        calls.append(1)
        raise AwayError("away")

    with pytest.raises(AwayError):
        retry_on_disconnect(action)

    assert len(calls) == ATTEMPTS


def test_another_error_is_not_tried_again() -> None:
    calls = list[int]()

    def action() -> None:
        calls.append(1)
        raise HomeError("no such table")

    with pytest.raises(HomeError, match="no such table"):
        retry_on_disconnect(action)

    assert len(calls) == 1
