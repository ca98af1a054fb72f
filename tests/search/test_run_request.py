from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.core.spec import with_changes
from harness.search.run_request import RunRequest
from harness.search.study import Study

RunsOf = Callable[[Study, Sequence[Mapping[str, Any]], int], list[RunRequest]]

POINTS = [{"when": 10, "init": "orthogonal"}, {"when": 30, "init": "xavier_uniform"}]


def test_every_configuration_comes_under_every_seed_and_arm(runs_of: RunsOf, study: Study) -> None:
    runs = runs_of(study, POINTS, 2)

    places = [(trial, arm, seed) for trial in (0, 1) for seed in (0, 1) for arm in ("frozen", "unfrozen")]
    assert [run.key for run in runs] == places
    assert [run.config for run in runs] == [study.config(POINTS[trial], arm, seed) for trial, arm, seed in places]
    assert runs[3].name == "trial 0 · unfrozen · seed 1"


def test_a_run_survives_json(runs_of: RunsOf, study: Study) -> None:
    run = replace(runs_of(with_changes(study, {"name": "other"}), POINTS, 1)[0], spec_digest="ab" * 32)

    assert RunRequest.from_json(run.to_json()) == run
