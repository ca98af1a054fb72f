from safetensors.torch import load

from harness.core.spec import with_changes
from harness.staging.evaluated_weights import evaluated_weights
from harness.staging.histories import stage_folder
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.snapshot_files import read_snapshot_files
from harness.staging.snapshot_format import SnapshotFile
from harness.training.average import EMA


def test_the_average_is_written_where_it_is_what_was_evaluated(runner: Runner, digits_run: RunConfig) -> None:
    config = with_changes(digits_run, {"training.average": EMA(decay=0.9)})
    other = with_changes(config, {"training.evaluate_average": False})
    snapshot = read_snapshot_files(stage_folder(runner.workspace.stages, runner.run(config).stages[-1]))
    assert snapshot is not None

    average, own = (load(evaluated_weights(snapshot, asked.to_json())) for asked in (config, other))

    assert average.keys() == own.keys()
    assert any(not average[name].equal(own[name]) for name in own)
    assert evaluated_weights(snapshot, digits_run.to_json()) == SnapshotFile.parse(snapshot).weights()
