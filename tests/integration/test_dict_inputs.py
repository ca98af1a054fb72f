"""Inputs that are tensors by name, as a tokenizer gives them, through everything that reads inputs."""

from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import DataError
from harness.core.history import History
from harness.core.spec import with_changes
from harness.data import AbstractTask, Output, Split, TaskData, load_task
from harness.data.augment import GaussianNoise
from harness.growth.rules import TriggerMonitor
from harness.losses import Distillation, JointCrossEntropy, Reconstruction
from harness.models import AbstractModel
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.training.features import FeatureCache
from harness.training.loop import train_stage
from harness.training.state import fresh_state

LENGTH, WORDS = 6, 12


class Sentences(AbstractTask):
    """Sentences whose class is that of their first word; the rest is padding of any value."""

    kind: Literal["sentences"] = "sentences"

    def load(self, folder: Path | None) -> TaskData:  # noqa: ARG002
        stream = torch.Generator().manual_seed(0)
        ids = torch.randint(WORDS, (200, LENGTH), generator=stream)
        lengths = torch.randint(1, LENGTH + 1, (200, 1), generator=stream)
        inputs = {"input_ids": ids, "attention_mask": (torch.arange(LENGTH) < lengths).long()}
        everything = Split(inputs, ids[:, 0] // 3)
        train, validation, test = map(everything.take, torch.arange(200).split([100, 50, 50]))
        return TaskData(train, validation, test, self.classes)


class Encoder(nn.Module):
    """Embeds words, and returns hidden states by name, as networks of transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, 8)
        self.mix = nn.Linear(8, 8)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        hidden: Tensor = self.mix(self.words(input_ids)).tanh()
        return hidden * attention_mask[..., None]


class SentenceClassifier(nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.encoder, self.classifier = Encoder(), nn.Linear(8, outputs)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.encoder(input_ids, attention_mask)[:, 0])
        return logits


class SentenceModel(AbstractModel):
    kind: Literal["sentence_model"] = "sentence_model"

    def build(self, outputs: int) -> nn.Module:
        return SentenceClassifier(outputs)


AGAIN = {"again": Output(kind="inputs", columns=6)}
LATE = {"kind": "attach_head", "name": "late", "outputs": 1, "tap": "encoder", "width": 4}


@pytest.fixture
def run(digits_run: RunConfig) -> RunConfig:
    """A run with a head that reads hidden states, padding left out, on a frozen backbone."""
    run = digits_run.model_copy(
        update={"task": Sentences(classes={"known": (0, 1, 2), "late": (3,)}), "model": SentenceModel()}
    )
    return with_changes(
        run,
        {"growths.0.operation": LATE, "growths.0.freeze": {"kind": "old_parameters"}, "training.batch_size": 20}
        | {"training.record_drift": True, "growths.0.keep_teacher": True},
    )


def test_a_study_of_sentences_trains_grows_and_is_evaluated(run: RunConfig, runner: Runner) -> None:
    runner.check(run)

    results = runner.run(run)

    last = results.history.latest()
    assert last["val/accuracy/all"] > 0.5
    assert last["drift/cka/encoder.words"] == 1


def test_cached_features_of_sentences_train_the_same_to_the_bit(
    run: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, data = with_changes(run, {"training.record_drift": False}), load_task(run.task, None)

    def trained(cache: FeatureCache | None) -> History:
        state = fresh_state(build_network(run, data), run.training.optimizer, seed=1, precision="fp32")
        history, monitor = History(), TriggerMonitor(())
        train_stage(state, 5, config=run.training, data=data, monitor=monitor, history=History())
        state.grow(run.growths[0].change, probe=probe_for(run.growths[0].change, data))
        train_stage(state, 30, config=run.training, data=data, monitor=monitor, history=history, features=cache)
        return history

    expected, calls = trained(None), list[int]()
    forward = Encoder.forward

    def counted(encoder: Encoder, *arguments: Tensor) -> Tensor:
        calls.append(1)
        return forward(encoder, *arguments)

    monkeypatch.setattr(Encoder, "forward", counted)

    assert trained(FeatureCache()) == expected
    assert len(calls) < 20  # of which each of 25 steps after the growth would be one


def test_a_teacher_reads_sentences(run: RunConfig, runner: Runner) -> None:
    distilled = {"training.losses": {"classes": JointCrossEntropy(), "kept": Distillation(output="known")}}

    assert "train/loss/kept" in runner.run(with_changes(run, distilled)).history.latest()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training.augment": [GaussianNoise()]}, "expected inputs that are one tensor for training.augment, found"),
        (
            {"task.outputs": AGAIN, "training.losses": {"again": Reconstruction()}},
            "one tensor in the train data of 'sentences'",
        ),
    ],
)
def test_what_needs_one_tensor_is_refused_in_a_line(
    run: RunConfig, runner: Runner, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        runner.run(with_changes(run, changes))
