import sys

import pytest

from harness.benchmarks import loop
from harness.core.errors import InputError


def test_both_networks_are_compared_with_all_rivals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_lightning", loop._by_hand)  # a dependency of the benchmark alone
    monkeypatch.setattr(loop, "ROUNDS", (2, 2))
    monkeypatch.setattr(loop, "STEPS", (5, 5))

    figures = loop.LoopBenchmark().measure(quick=True)

    assert [figure.figure for figure in figures if figure.target] == [
        "MLP: steps per second, against a loop by hand",
        "MLP: steps per second, against Lightning",
        "conv net: steps per second, against a loop by hand",
    ]
    assert all(figure.value > 0 for figure in figures)


def test_a_speed_is_the_rivals_time_in_units_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_lightning", loop._by_hand)
    monkeypatch.setattr(loop, "STEPS", (5, 5))
    monkeypatch.setattr(loop, "interleaved_best", lambda _loops, rounds: [1.0, 2.0, 4.0, 3.0])  # noqa: ARG005

    by_hand, lightning, fused, _ = loop._figures("MLP", quick=True)

    assert (by_hand.value, lightning.value, fused.value) == (2, 3, 4)


def test_without_lightning_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)

    with pytest.raises(InputError, match=r"expected Lightning.*harness\[bench\]"):
        loop.LoopBenchmark().measure(quick=True)
