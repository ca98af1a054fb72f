"""The network at the end of a run, out of the store."""

from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors.torch import load
from torch import Tensor

from harness.api.exporting._base import FinalNetwork
from harness.api.exporting.network_preprocessing import network_preprocessing
from harness.api.network_folder import built_network
from harness.core.errors import InputError, SnapshotError
from harness.core.inputs import map_inputs
from harness.core.spec import explain
from harness.growth import GrowthEvent
from harness.search.load import load_study
from harness.staging.evaluated_weights import evaluated_weights
from harness.staging.histories import stage_folder
from harness.staging.ledger import RunRecord
from harness.staging.own_modules import own_modules
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.snapshot_files import read_snapshot_files
from harness.staging.snapshot_format import SnapshotFile
from harness.staging.stand_in_data import sketch_of
from harness.staging.workspace import Workspace
from harness.training.output_specs import output_specs

__all__ = ["final_network"]

MOST = 16  # test examples, by which what is written is compared


def final_network(workspace: Workspace, record: RunRecord) -> FinalNetwork:
    """Return the network that a run ended with, as its final evaluation saw it.

    Raises:
        InputError: its snapshot was given up, or its classes are not known here.
        DataError: its data are not here.
    """
    study = workspace.ledger.study(record.study)
    assert study is not None  # it has this run
    file = Path(study.file) if study.file and Path(study.file).is_file() else None
    if file:
        load_study(file)  # for the classes that it defines
    config = _config(record).model_copy(update={"device": "cpu"})
    snapshot = _snapshot(workspace.of_study(study).stages, record)
    weights = evaluated_weights(snapshot, record.config)
    lineage = SnapshotFile.parse(snapshot).state["lineage"]
    data = Runner(workspace.of_study(study)).data(config)
    sketch = sketch_of(data)
    events = tuple(GrowthEvent.model_validate(event) for event in lineage)
    model, effects = built_network(config, events, sketch, load(weights))
    inputs = map_inputs(torch.clone, data.test.take(torch.arange(min(MOST, len(data.test)))).inputs)
    outputs = _answers(model, inputs)
    specs = output_specs(model, events, effects, data)
    preprocessing = network_preprocessing(config.task, data, specs, inputs, outputs, workspace.data_folder)
    return FinalNetwork(
        record, config, model, inputs, outputs, preprocessing, weights, lineage, sketch, own_modules(config)
    )


def _config(record: RunRecord) -> RunConfig:
    try:
        return RunConfig.model_validate(record.config)
    except ValidationError as error:
        raise InputError(
            f"cannot build the network of {record.run_id}: {explain(error)}; the file that defines its classes is not "
            "here: export it where it was run, or from the script that made the study"
        ) from None


def _snapshot(stages: Path, record: RunRecord) -> bytes:
    try:
        found = read_snapshot_files(stage_folder(stages, record.stages[-1]))
    except SnapshotError as error:
        raise InputError(f"{error}; harness cache verify sets it aside, and the next run trains it again") from None
    if found is None:
        raise InputError(
            f"expected the snapshot at the end of {record.run_id}, found that it was given up to save space; run the "
            "study in another home, or with a larger --keep"
        )
    return found


def _answers(model: torch.nn.Module, inputs: object) -> Mapping[str, Tensor]:
    with torch.no_grad():
        answered = model(inputs)
    return {name: value for name, value in answered.items() if isinstance(value, Tensor)}
