import pytest
import torch

from harness.benchmarks import share
from harness.core.spec import with_changes
from harness.data import FashionMNIST, Split, TaskData
from harness.search.study import Study


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random images in place of those of clothes, and few steps."""
    draws = torch.Generator().manual_seed(0)

    def split() -> Split:
        return Split(torch.randn(300, 1, 28, 28, generator=draws), torch.arange(300) % 10)

    data = TaskData(split(), split(), split(), share.reference_study(quick=True).base.task.classes)
    monkeypatch.setattr(FashionMNIST, "load", lambda *_: data)
    monkeypatch.setattr(share, "QUICK_STEPS", 20)


@pytest.mark.usefixtures("tiny")
def test_what_sharing_saves_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    run = share._run  # worker processes would look for the real images
    monkeypatch.setattr(share, "_run", lambda study, runner, workers=1: run(study, runner) / workers)

    figures = share._sharing(with_changes(share.reference_study(quick=True), {"base.model.channels": (4, 4)}))

    values = {figure.figure: figure.value for figure in figures}
    assert values["steps trained, in units of distinct steps"] == 1
    assert values["steps of all runs, in units of distinct steps"] > 1
    assert all(value > 0 for value in values.values())


@pytest.mark.usefixtures("tiny")
def test_the_frozen_arm_is_measured_after_the_growth() -> None:
    figures = share._frozen(share.reference_study(quick=True), quick=True)

    assert len(figures) == 2
    assert all(figure.value > 1 for figure in figures)


def test_the_cost_of_a_run_is_measured() -> None:
    assert 0 < share._cost_of_runs(5) < 1000


@pytest.mark.parametrize("quick", [True, False])
def test_growth_may_happen_anywhere_between_a_tenth_and_nine_tenths(quick: bool) -> None:
    study: Study = share.reference_study(quick=quick)

    assert study.space["when"].corners() == (study.base.steps // 10, study.base.steps // 10 * 9)
    assert len(study.arms) == 2
