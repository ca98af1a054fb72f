from typing import Any

from harness.growth.triggers import Progress, Signal


def test_it_fires_while_its_own_signal_is_there(firings: Any) -> None:
    signals = [frozenset[str](), frozenset({"other"}), frozenset({"go", "other"}), frozenset({"go"})]
    way = [Progress(s, s, 0, {}, evaluated=False, signals=seen) for s, seen in enumerate(signals, start=1)]

    assert firings(Signal(name="go"), way) == [3, 4]
