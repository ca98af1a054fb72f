"""Two workers on one GPU; on a CPU, the executor's own tests have them."""

from pathlib import Path

import pytest

from harness.benchmarks import late_digits
from harness.core.spec import with_changes
from harness.search.launch import launch
from harness.search.observer import Observer
from harness.search.study import Study
from harness.search.worker_executor import WorkerExecutor
from harness.staging.histories import run_history
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace


def histories(study: Study, home: Path, workers: int) -> dict[str, object]:
    runner = Runner(Workspace(home).create(), cache_features=True)
    with WorkerExecutor(workers, runner) as executor:
        launch(study, runner, Observer(), execute=executor.execute if workers > 1 else None)
    runs = runner.store.ledger.runs(study.name)
    assert {run.status for run in runs} == {"completed"}, [run.reason for run in runs]
    return {run.run_id: run_history(runner.workspace.stages, run.stages) for run in runs}


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_two_workers_on_one_device_give_what_one_process_gives(tmp_path: Path) -> None:
    changes = {"trials": 2, "seeds": 1, "base.device": "cuda", "base.steps": 60, "base.growths.0.trigger.step": 20}
    study = late_digits.study()
    when = study.space["when"].model_copy(update={"low": 20, "high": 40, "step": 20})
    study = with_changes(study, {"space": {**study.space, "when": when}, **changes})

    alone = histories(study, tmp_path / "alone", 1)

    assert histories(study, tmp_path / "together", 2) == alone
