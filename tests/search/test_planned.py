from harness.core.spec import with_changes
from harness.search.planned import PlannedRun, planned_runs
from harness.search.study import Study

POINTS = [{"when": 10, "init": "orthogonal"}, {"when": 30, "init": "xavier_uniform"}]


def test_every_configuration_comes_under_every_seed_and_arm(study: Study) -> None:
    runs = planned_runs(study, POINTS, seeds=2)

    places = [(trial, arm, seed) for trial in (0, 1) for seed in (0, 1) for arm in ("frozen", "unfrozen")]
    assert [run.key for run in runs] == places
    assert [run.config for run in runs] == [study.config(POINTS[trial], arm, seed) for trial, arm, seed in places]
    assert runs[3].name == "trial 0 · unfrozen · seed 1"


def test_a_run_survives_json(study: Study) -> None:
    (run, *_) = planned_runs(with_changes(study, {"name": "other"}), POINTS, seeds=1)

    assert PlannedRun.from_json(run.to_json()) == run
