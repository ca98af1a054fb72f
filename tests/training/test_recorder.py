import pytest
import torch

from harness.core.errors import DivergedError
from harness.core.history import History
from harness.training.recorder import Recorder


def test_nothing_is_written_before_a_flush() -> None:
    history = History()
    recorder = Recorder(history)

    recorder.add(1, {"loss/a": torch.tensor(0.5)}, {"train/lr/group_0": 0.1})
    before = list(history)
    recorder.flush()

    assert before == []
    assert list(history) == ["train/loss/a", "train/lr/group_0"]


def test_every_step_arrives_once_and_in_order() -> None:
    history = History()
    recorder = Recorder(history)

    for step in (1, 2, 3):
        recorder.add(step, {"loss/a": torch.tensor(step / 3)}, {})
        if step == 2:
            recorder.flush()
    recorder.flush()
    recorder.flush()

    assert history["train/loss/a"].steps == [1, 2, 3]
    assert history["train/loss/a"].values == [torch.tensor(step / 3).item() for step in (1, 2, 3)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_named_with_its_step(value: float) -> None:
    recorder = Recorder(History())
    recorder.add(7, {"loss/late": torch.tensor(1.0)}, {})
    recorder.add(8, {"loss/late": torch.tensor(value)}, {})

    with pytest.raises(DivergedError, match=r"train/loss/late became .* at step 8"):
        recorder.flush()


def test_a_gradient_norm_may_be_infinite() -> None:
    history = History()
    recorder = Recorder(history)

    recorder.add(1, {"grad_norm": torch.tensor(float("inf"))}, {})
    recorder.flush()

    assert history["train/grad_norm"].values == [float("inf")]
