import time

import pytest

from harness.staging.database import Database
from harness.staging.signals import POLL_S, SignalWatch, save_signal, sent_signals


def test_a_signal_goes_to_one_run_or_to_all(database: Database) -> None:
    save_signal(database, "a-study", "grow")
    save_signal(database, "a-study", "stop", "abc")
    save_signal(database, "a-study", "stop", "abc")

    assert sent_signals(database, "a-study", "abc") == {"grow", "stop"}
    assert sent_signals(database, "a-study", "def") == {"grow"}
    assert sent_signals(database, "another", "abc") == frozenset()


def test_a_watch_asks_now_and_then(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    watch = SignalWatch(database, "a-study")
    first = watch.sent_to("abc")

    save_signal(database, "a-study", "grow")
    at_once = watch.sent_to("abc")
    now += POLL_S

    assert not first | at_once
    assert watch.sent_to("abc") == {"grow"}
