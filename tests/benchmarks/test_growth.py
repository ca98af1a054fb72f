import pytest

from harness.benchmarks import growth
from harness.growth import AbstractOperation


@pytest.mark.slow
def test_every_operation_is_measured_with_every_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "BATCH", 4)

    figures = growth.GrowthBenchmark().measure(quick=True)

    assert len(figures) == 2 * len(growth.OPERATIONS) * len(growth.OPTIMIZERS)
    assert all(figure.value > 0 for figure in figures)


def test_no_operation_is_forgotten() -> None:
    own = {leaf for leaf in AbstractOperation.__subclasses__() if leaf.__module__.startswith("harness.")}

    assert {type(operation) for operation in growth.OPERATIONS} == own
