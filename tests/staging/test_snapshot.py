import pytest
import torch
from safetensors.torch import load, save

from harness.core.errors import SnapshotError
from harness.core.history import History
from harness.core.spec import with_changes
from harness.data import TaskData
from harness.growth.probe import Probe
from harness.growth.rules import TriggerMonitor
from harness.staging.run import RunConfig
from harness.staging.snapshot import read_snapshot, write_snapshot
from harness.staging.snapshot_format import SnapshotFile
from harness.training.loop import train_stage
from harness.training.state import TrainState, build_model, fresh_state

KINDS = [
    {"training.optimizer": {"kind": "adamw"}, "precision": "fp32"},
    {"training.optimizer": {"kind": "sgd", "nesterov": True, "weight_decay": 0.01}, "precision": "fp16"},
    {"training.schedule": {"kind": "cosine", "steps": 40, "warm_up": 5}, "precision": "bf16"},
    {"training.average": {"decay": 0.9}, "training.accumulate": 4, "precision": "bf16"},
]


@pytest.fixture(
    params=KINDS,
    ids=lambda kind: " ".join([str(kind["precision"]), *(["average"] if "training.average" in kind else [])]),
)
def run(request: pytest.FixtureRequest, digits_run: RunConfig) -> RunConfig:
    return with_changes(digits_run, {**request.param, "growths.0.freeze": "old_parameters"})


def fresh(run: RunConfig) -> TrainState:
    model = build_model(run.model, output="known", outputs=6, seed=0, device=torch.device("cpu"))
    return fresh_state(model, run.training.optimizer, seed=0, precision=run.precision, average=run.training.average)


def restored(content: bytes, run: RunConfig, data: TaskData) -> TrainState:
    model = build_model(run.model, output="known", outputs=6, seed=0, device=torch.device("cpu"))
    probe = Probe(data.validation.inputs[:2])
    return read_snapshot(
        content,
        model,
        run.training.optimizer,
        probe=lambda _: probe,
        seed=0,
        precision=run.precision,
        average=run.training.average,
    )


def train(state: TrainState, until: int, run: RunConfig, data: TaskData, history: History) -> None:
    train_stage(state, until, config=run.training, data=data, monitor=TriggerMonitor([]), history=history)


@pytest.mark.parametrize("stop", [3, 10, 13, 25])
def test_training_goes_on_from_a_snapshot_as_if_nothing_had_happened(run: RunConfig, stop: int) -> None:
    data = run.task.load(None)
    through, histories = fresh(run), [History(), History()]
    grow_at = 10
    for state, history in ((through, histories[0]), (fresh(run), histories[1])):
        for until in sorted({stop, grow_at, 30}):
            train(state, until, run, data, history)
            if state is not through and until == stop:
                state = restored(write_snapshot(state), run, data)
            if until == grow_at:
                state.grow(run.growths[0].change, probe=Probe(data.validation.inputs[:2]))
        last = state

    assert histories[0] == histories[1]
    assert write_snapshot(last) == write_snapshot(through)


def test_a_snapshot_of_a_restored_state_is_the_same_bytes(run: RunConfig) -> None:
    data, state = run.task.load(None), fresh(run)
    train(state, 5, run, data, History())
    state.grow(run.growths[0].change, probe=Probe(data.validation.inputs[:2]))
    content = write_snapshot(state)

    again = restored(content, run, data)

    assert write_snapshot(again) == content
    assert again.frozen == state.frozen
    assert again.loss_weights == state.loss_weights


def test_a_tensor_of_another_shape_is_named(digits_run: RunConfig) -> None:
    data = digits_run.task.load(None)
    content = write_snapshot(fresh(digits_run))
    other = with_changes(digits_run, {"model.widths": (16, 9)})

    with pytest.raises(SnapshotError, match=r"expected '0/backbone\.hidden\.1\.linear\.weight' of shape \(9, 16\)"):
        restored(content, other, data)


def test_a_tensor_too_many_is_named(digits_run: RunConfig) -> None:
    data = digits_run.task.load(None)
    content = write_snapshot(fresh(digits_run))

    extra = {"model/0/extra": torch.ones(1)}
    forged = save({**load(content), **extra}, metadata=SnapshotFile.parse(content).metadata)

    with pytest.raises(SnapshotError, match="'0/extra' in one only"):
        restored(forged, digits_run, data)


def test_a_moment_of_another_shape_is_named_and_not_loaded(digits_run: RunConfig) -> None:
    data, state = digits_run.task.load(None), fresh(digits_run)
    train(state, 2, digits_run, data, History())
    content = write_snapshot(state)
    tensors = load(content)
    name = "optimizer/0/backbone.output.weight/exp_avg"

    forged = save({**tensors, name: tensors[name][:3]}, metadata=SnapshotFile.parse(content).metadata)

    with pytest.raises(SnapshotError, match=r"'exp_avg' of '0/backbone\.output\.weight' of shape \(6, 8\)"):
        restored(forged, digits_run, data)


def test_no_code_can_be_in_a_snapshot(digits_run: RunConfig) -> None:
    content = write_snapshot(fresh(digits_run))

    assert set(load(content)) >= {"model/0/backbone.output.weight"}  # safetensors: tensors and JSON alone
    assert not content.startswith(b"PK")


def test_the_header_of_a_snapshot_is_that_of_earlier_versions(digits_run: RunConfig) -> None:
    data, state = digits_run.task.load(None), fresh(digits_run)
    train(state, 1, digits_run, data, History())
    state.grow(digits_run.growths[0].change, probe=Probe(data.validation.inputs[:2]))

    header = SnapshotFile.parse(write_snapshot(state)).state

    # A digest over all of it is what a run is known by; fields that came later are left out, at their defaults.
    old, new = (list(group) for group in header["groups"])
    assert list(header) == ["step", "lineage", "groups", "moments", "scaler"]
    assert new == [*(name for name in old if name != "params"), "params"]
    assert list(header["lineage"][0]["change"]["operation"]) == [
        *("kind", "name", "outputs", "tap", "width", "activation", "dropout", "init", "output_init", "bias"),
        "stop_gradient",
    ]


def test_what_losses_keep_is_as_long_and_lies_as_its_parameter_does(digits_run: RunConfig) -> None:
    data, state = digits_run.task.load(None), fresh(digits_run)
    name = "0/backbone.hidden.0.linear.weight"
    parameter = state.learnable[name]
    state.loss_states = {"hold on": {"importance": {name: torch.rand_like(parameter)}}}
    content = write_snapshot(state)

    kept = restored(content, digits_run, data).loss_states["hold on"]["importance"][name]

    assert torch.equal(kept, state.loss_states["hold on"]["importance"][name])
    assert kept.stride() == parameter.stride()
    tensors = load(content)
    forged = {**tensors, f"loss/hold on/importance/{name}": torch.ones(3)}
    with pytest.raises(
        SnapshotError, match=r"expected 'importance' of '0/backbone\.hidden\.0\.linear\.weight' of shape"
    ):
        restored(save(forged, metadata=SnapshotFile.parse(content).metadata), digits_run, data)
