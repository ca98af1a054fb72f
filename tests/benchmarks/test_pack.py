from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from harness.benchmarks import pack
from harness.benchmarks._base import Figure
from harness.training.loop import StageLoop

TINY = replace(pack.SMALL, runs=2, steps=4, evaluate_every=2, rounds=1)


def test_every_gain_has_its_runs_and_the_last_figure_is_the_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "CONV", replace(TINY, name="conv net"))
    monkeypatch.setattr(pack, "QUICK", (replace(TINY, least=0.0), replace(TINY, runs=3), pack.CONV))
    monkeypatch.setattr(pack, "study_figures", lambda **_: ([Figure("of a study", 1.0)], 0))

    figures = pack.PackBenchmark().measure(quick=True)

    gains = [figure for figure in figures if "one by one / packed" in figure.figure]
    assert [(gain.figure.partition(":")[0], gain.met) for gain in gains] == [
        ("2 x MLP 64-64-64", True),
        ("3 x MLP 64-64-64", None),
        ("2 x conv net", None),
    ]
    assert figures[-1] == Figure("bits that differ", 0, "<= 0", True)
    assert figures[-2].figure == "of a study"
    assert all(figure.value > 0 for figure in gains)


def test_a_proof_is_what_packs_take_longer_for_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "_compared", lambda _: pack._Compared(alone_s=1.0, packed_s=1.6, differing_bits=0))

    figure = pack._proof_figure(pack.CONV, step_s=0.01)

    assert figure.value == pytest.approx(100 * 0.6 / (0.01 * 1200 * 6))
    assert figure.met


def test_a_bit_of_a_weight_that_packs_changed_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    in_packs = pack._in_packs

    def spoiled(loops: Sequence[StageLoop]) -> None:
        in_packs(loops)
        with torch.no_grad():
            next(loops[-1].state.model.parameters())[0, 0].mul_(-1)

    assert pack._compared(TINY).differing_bits == 0
    monkeypatch.setattr(pack, "_in_packs", spoiled)
    assert pack._compared(TINY).differing_bits == 1


def test_runs_differ_in_initial_values_and_in_the_order_of_batches() -> None:
    first, second = (pack._loop(TINY, pack._data(TINY.shape), seed) for seed in (0, 1))

    assert not torch.equal(*(next(loop.state.model.parameters()) for loop in (first, second)))
    assert not torch.equal(first.batches.indices(0), second.batches.indices(0))
