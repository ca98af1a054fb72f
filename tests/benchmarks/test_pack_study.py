import pytest

from harness.benchmarks import pack_study
from harness.core.spec import with_changes


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    study = with_changes(
        pack_study.small_runs(2),
        {
            "base.steps": 4,
            "base.growths.0.trigger.step": 2,
            "base.training.evaluate_every": 2,
            "base.model.widths": (8, 8),
        },
    )
    monkeypatch.setattr(pack_study, "small_runs", lambda runs: with_changes(study, {"trials": runs // 2}))
    monkeypatch.setattr(pack_study, "QUICK_SIZES", (2, 4))
    monkeypatch.setattr(pack_study, "ALONE", 2)


@pytest.mark.usefixtures("tiny")
def test_a_run_costs_what_its_launch_took_and_packs_change_no_bit() -> None:
    figures, differing = pack_study.study_figures(quick=True)

    values = {figure.figure: figure.value for figure in figures}
    costs = {
        name: values[f"a run of {name}: processor time (s)"] for name in ("2 one by one", "2 in packs", "4 in packs")
    }
    assert values["a run of 4 in packs / one by one"] == costs["4 in packs"] / costs["2 one by one"]
    assert values["a run of 4 in packs / one of 2"] == costs["4 in packs"] / costs["2 in packs"]
    assert all(value > 0 for value in values.values())
    assert differing == 0


@pytest.mark.parametrize("runs", [10, 400])
def test_a_study_has_as_many_runs_as_asked_for(runs: int) -> None:
    study = pack_study.small_runs(runs)

    assert study.trials * study.seeds * len(study.arms) == runs
    assert study.base.steps == 200
