import gc
import weakref
from typing import Any, Literal

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.core.errors import ContractError
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output
from harness.data import Split, TaskData
from harness.growth import AttachHead, NoFreezing
from harness.growth.lineage import Change
from harness.growth.probe import Probe
from harness.losses import Batch, Distillation, FeatureMatching, JointCrossEntropy, MeanSquared
from harness.metrics import AUROC, AbstractMetric, BalancedAccuracy, CalibrationError, MacroF1, Perplexity, Predictions
from harness.models import GrowableModel
from harness.models.taps import features_at
from harness.models.teacher import Teacher, keep_teacher
from harness.training import evaluation
from harness.training.config import TrainingConfig
from harness.training.evaluation import evaluate
from harness.training.forward import forward_batch
from harness.training.named_metrics import metric_parts, metric_values
from harness.training.optimizers import SGD
from harness.training.state import TrainState, fresh_state

BOTH = OutputSpecs(LabelMap.of({"known": (0, 1, 2), "late": (3, 4)}))


def test_it_changes_nothing(state: TrainState, data: TaskData, specs: OutputSpecs) -> None:
    state.set_train_mode()
    tensors = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    modes, stream = [module.training for module in state.model.modules()], torch.get_rng_state()

    evaluate(state, data.validation, TrainingConfig(), specs)

    assert all(torch.equal(state.model.state_dict()[name], tensor) for name, tensor in tensors.items())
    assert modes == [module.training for module in state.model.modules()]
    assert torch.equal(torch.get_rng_state(), stream)


def test_losses_speak_of_answerable_examples(state: TrainState, data: TaskData, specs: OutputSpecs) -> None:
    split = data.validation
    known = split.take(specs.label_map.known(split.labels).nonzero().squeeze(1))

    found = evaluate(state, split, TrainingConfig(), specs)

    with torch.no_grad():
        expected = functional.cross_entropy(state.model.eval()(known.inputs)["known"], known.labels)
    assert found["loss/known"] == pytest.approx(expected.item(), rel=1e-5)


def test_an_accuracy_on_classes_without_an_example_is_left_out(state: TrainState, data: TaskData) -> None:
    change = Change(operation=AttachHead(name="late", outputs=2, tap="hidden"), freeze=NoFreezing())
    state.grow(change, probe=Probe(data.validation.inputs[:2]))
    known = data.validation.take((data.validation.labels < 3).nonzero().squeeze(1))

    found = evaluate(state, known, TrainingConfig(), BOTH)

    assert "accuracy/late" not in found
    assert "accuracy_within/late" not in found
    assert found["accuracy_within/mean"] == found["accuracy_within/known"]


def test_the_size_of_chunks_does_not_matter(state: TrainState, data: TaskData, monkeypatch: pytest.MonkeyPatch) -> None:
    change = Change(operation=AttachHead(name="late", outputs=2, tap="hidden"), freeze=NoFreezing(), loss_weight=2)
    state.grow(change, probe=Probe(data.validation.inputs[:2]))

    whole = evaluate(state, data.validation, TrainingConfig(), BOTH)
    monkeypatch.setattr(evaluation, "CHUNK", 7)
    parts = evaluate(state, data.validation, TrainingConfig(), BOTH)

    assert parts == pytest.approx(whole)
    assert whole["loss/total"] == pytest.approx(whole["loss/known"] + 2 * whole["loss/late"])


class WithReg(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 3)

    def forward(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        outputs = self.layer(inputs.flatten(1))
        return {"known": outputs, "size_reg": outputs.square().mean()}


def test_a_scalar_of_the_models_own_is_a_mean_over_all_examples(
    data: TaskData, specs: OutputSpecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "CHUNK", 28)  # of 30, so that a chunk of 2 must count less
    state = fresh_state(GrowableModel(WithReg(), "known"), SGD(), seed=0, precision="fp32")

    found = evaluate(state, data.validation, TrainingConfig(), specs)

    whole = state.model(data.validation.inputs)["size_reg"].item()
    assert found["loss/size_reg"] == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("size", [7, 250])
def test_features_and_teachers_are_seen_in_chunks_too(
    state: TrainState, data: TaskData, specs: OutputSpecs, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_teacher(state.model).join(state.model)
    with torch.no_grad():
        state.model.get_parameter("backbone.hidden.linear.weight").mul_(1.5)
    losses = {"classes": JointCrossEntropy(), "match": FeatureMatching(tap="hidden"), "old": Distillation()}
    monkeypatch.setattr(evaluation, "CHUNK", size)

    found = evaluate(state, data.validation, TrainingConfig(losses=losses), specs)

    seen = specs.label_map.known(data.validation.labels)
    inputs = data.validation.inputs[seen]
    student, teacher = features_at(state.model.backbone, "hidden", inputs), None
    assert isinstance(state.model.teacher, Teacher)
    teacher = state.model.teacher.forward(inputs, ["hidden"])[1]["hidden"]
    assert found["loss/match"] == pytest.approx(functional.mse_loss(student, teacher).item(), rel=1e-4)
    assert found["loss/old"] > 0


def test_without_heads_there_is_no_accuracy(data: TaskData) -> None:
    model = GrowableModel(nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), "load")
    state = fresh_state(model, SGD(), seed=0, precision="fp32")
    nothing = OutputSpecs(LabelMap.of({}), {"load": Output()})
    split = Split(data.train.inputs, data.train.labels, {"load": torch.zeros(60, 1)})

    found = evaluate(state, split, TrainingConfig(losses={"load": MeanSquared()}), nothing)

    assert found.keys() == {"loss/load", "loss_weighted/load", "loss/total", "mae/load", "rmse/load"}
    assert found["rmse/load"] == pytest.approx(found["loss/load"] ** 0.5, rel=1e-6)


METRICS = {"f1": MacroF1(), "auroc": AUROC(), "calibration": CalibrationError(), "balanced": BalancedAccuracy()}


def test_blocks_add_up_to_what_a_split_is_at_once(
    state: TrainState, data: TaskData, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainingConfig(metrics=METRICS, record_classes=True)
    change = Change(operation=AttachHead(name="late", outputs=1, tap="hidden"), freeze=NoFreezing())
    state.grow(change, probe=Probe(data.validation.inputs[:2]))
    specs = OutputSpecs(LabelMap.of({"known": (0, 1, 2), "late": (3,)}))  # class 4 cannot be seen
    split = data.validation.take(
        data.validation.labels.argsort(descending=True)
    )  # nothing is visible in the first block
    whole = evaluate(state, split, config, specs)
    monkeypatch.setattr(evaluation, "CHUNK", 2)
    monkeypatch.setattr(evaluation, "BLOCK", 3)
    seen: list[int] = []

    found = evaluate(state, split, config, specs, on_block=lambda batch: seen.append(len(batch.labels)))

    assert seen == [6, 6, 6, 6, 6]
    assert {"f1/all", "f1/late", "f1_of_class/3", "auroc/known", "calibration/all"} < whole.keys()
    assert list(found) == list(whole)
    assert found == pytest.approx(whole, rel=1e-5)


def test_no_outputs_of_more_than_a_block_and_no_inputs_are_held(
    state: TrainState, data: TaskData, specs: OutputSpecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "CHUNK", 2)
    monkeypatch.setattr(evaluation, "BLOCK", 3)
    held: list[weakref.ref[torch.Tensor]] = []
    read: list[weakref.ref[torch.Tensor]] = []
    alive: list[int] = []

    def count(batch: Batch) -> None:
        held.append(weakref.ref(batch.outputs["known"]))
        gc.collect()
        alive.append(sum(one() is not None for one in held))
        assert sum(one() is not None for one in read) <= 1

    def forward(state: TrainState, chunk: Split, *rest: Any) -> Batch:
        read.append(weakref.ref(chunk.inputs))
        return forward_batch(state, chunk, *rest)

    monkeypatch.setattr(evaluation, "forward_batch", forward)
    evaluate(state, data.validation, TrainingConfig(metrics={"f1": MacroF1()}), specs, on_block=count)

    assert len(alive) == 5
    assert max(alive) <= 2


def test_a_class_that_cannot_be_seen_yet_counts_as_wrong_in_macro_averages(
    state: TrainState, data: TaskData, specs: OutputSpecs
) -> None:
    split = data.validation
    known = split.take(specs.label_map.known(split.labels).nonzero().squeeze(1))
    late = len(set(split.labels.tolist())) - 3
    config = TrainingConfig(metrics={"recall": BalancedAccuracy(), "calibration": CalibrationError()})

    found, expected = (evaluate(state, examples, config, specs) for examples in (split, known))

    assert found["recall/all"] == pytest.approx(expected["recall/all"] * 3 / (3 + late))
    assert found["recall/known"] == expected["recall/known"] == expected["recall/all"]
    assert found["calibration/all"] == expected["calibration/all"]


class Shapeless(AbstractMetric):
    kind: Literal["shapeless"] = "shapeless"

    def value(self, predictions: Predictions) -> torch.Tensor:
        return predictions.outputs.sum(dim=1)


def test_a_metric_of_another_shape_than_it_says_is_refused(
    state: TrainState, data: TaskData, specs: OutputSpecs
) -> None:
    with pytest.raises(
        ContractError, match="expected a scalar, or by_class = True, of the metric 'odd', found the shape"
    ):
        evaluate(state, data.validation, TrainingConfig(metrics={"odd": Shapeless()}), specs)


def test_of_classes_at_positions_every_position_counts() -> None:
    logits, tokens = torch.randn(4, 5, 7, generator=torch.Generator().manual_seed(0)), torch.arange(20).view(4, 5) % 7
    specs = OutputSpecs(LabelMap.of({}), {"next": Output(kind="classes", columns=7)})
    batch = Batch({"next": logits}, torch.zeros(4, 1), torch.zeros(4, dtype=torch.int64), specs, {"next": tokens})
    metrics = {"perplexity": Perplexity()}

    found = metric_values(metrics, [metric_parts(metrics, batch, batch)], specs.label_map)

    loss = functional.cross_entropy(logits.flatten(0, 1), tokens.flatten())
    assert found["perplexity/next"].item() == pytest.approx(loss.exp().item(), rel=1e-6)
