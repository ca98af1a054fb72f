"""That trackers load only what they need, and that two of them show the same numbers."""

import pkgutil
import subprocess
import sys
from collections.abc import Callable

from harness import tracking
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.memory import MemoryTracker
from harness.tracking.mlflow.client import MlflowClient
from harness.tracking.mlflow.tracker import MlflowTracker


def test_everything_but_their_clients_is_imported_without_what_these_import() -> None:
    modules = {module.name for module in pkgutil.walk_packages(tracking.__path__, "harness.tracking.")}
    names = ("mlflow.client", "tensorboard.event_file", "wandb.client", "wandb.log_file")
    clients = {f"harness.tracking.{name}" for name in names}
    program = "import sys\n" + "".join(f"import {name}\n" for name in sorted(modules - clients))
    check = "assert not {'mlflow', 'tensorboard', 'torch', 'wandb'} & set(sys.modules)"

    subprocess.run([sys.executable, "-c", f"{program}{check}"], check=True)


def test_mlflow_has_the_numbers_that_memory_has(
    tracker: MlflowTracker,
    client: MlflowClient,
    study: StudyRecord,
    make_run: Callable[..., RunRecord],
    history: History,
) -> None:
    memory, runs = MemoryTracker("all"), [make_run(), make_run(arm="frozen", metrics={}), make_run(seed=3, growths=())]

    for place in (memory, tracker):
        place.begin_study(study)
        for run in runs:
            place.project_run(run, history)

    experiment = client.get_experiment_by_name(study.name)
    assert experiment is not None
    shown = client.search_runs([experiment.experiment_id], "tags.arm LIKE '%'")
    numbers = {
        child.info.run_name: {
            key: sorted((p.step, p.value) for p in client.get_metric_history(child.info.run_id, key))
            for key in child.data.metrics
        }
        for child in shown
    }
    assert numbers == {
        entry.name: {key: sorted(zip(s.steps, s.values, strict=True)) for key, s in entry.metrics.items()}
        for entry in memory.runs.values()
    }
    assert {child.info.run_name: child.data.params for child in shown} == {
        entry.name: entry.params for entry in memory.runs.values()
    }
