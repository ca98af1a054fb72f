import sys

import pytest

from harness.benchmarks import loop
from harness.core.errors import InputError


def test_every_network_is_compared_with_a_loop_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_lightning", loop.hand_written)  # a dependency of the benchmark alone
    monkeypatch.setattr(loop, "ROUNDS", (2, 2))
    monkeypatch.setattr(loop, "STEPS", (5, 5))

    figures = loop.LoopBenchmark().measure(quick=True)

    compared = [figure.figure.partition(":")[0] for figure in figures if figure.target.startswith("<=")]
    assert compared == ["MLP 64-64-64", "MLP 784-128-128", "conv net", "transformer"]
    assert [figure.figure for figure in figures if figure.target.startswith(">=")] == [
        "MLP 64-64-64: Lightning's step / one of ours"
    ]
    assert all(figure.value > 0 for figure in figures)


def test_a_ratio_is_our_time_in_units_of_the_rivals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_lightning", loop.hand_written)
    monkeypatch.setattr(loop, "STEPS", (5, 5))
    times = iter([[1.0, 2.0, 4.0], [3.0]])
    monkeypatch.setattr(loop, "interleaved_best", lambda *_, **__: next(times))

    fused, plain, _, lightning = loop._figures("MLP 64-64-64", quick=True)

    assert (fused.value, plain.value, lightning.value) == (0.5, 0.25, 3)


def test_without_lightning_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)

    with pytest.raises(InputError, match=r"expected Lightning.*harness\[bench\]"):
        loop.LoopBenchmark().measure(quick=True)
