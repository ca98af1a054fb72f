import pytest
import torch

from harness.core.errors import DivergedError
from harness.core.history import History
from harness.training.recorder import Recorder


def test_what_is_measured_on_the_device_is_written_at_a_flush() -> None:
    history = History()
    recorder = Recorder(history)

    recorder.add(1, {"loss/a": torch.tensor(0.5)}, {"lr/group_0": 0.1})
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


def test_what_is_measured_only_now_and_then_keeps_its_steps() -> None:
    history = History()
    recorder = Recorder(history)

    for step in (1, 2, 3, 4):
        seldom = {"grad_norm/group_1": torch.tensor(float(step))} if step % 2 == 0 else {}
        recorder.add(step, {"loss/a": torch.tensor(0.5), **seldom}, {})
    recorder.flush()

    assert history["train/grad_norm/group_1"].steps == [2, 4]
    assert history["train/grad_norm/group_1"].values == [2.0, 4.0]


def test_the_first_step_at_which_any_loss_is_not_finite_is_named() -> None:
    recorder = Recorder(History())
    for step, late, known in ((1, 0.0, 0.0), (2, 0.0, float("inf")), (3, float("nan"), 0.0)):
        recorder.add(step, {"loss/late": torch.tensor(late), "loss/known": torch.tensor(known)}, {})

    with pytest.raises(DivergedError, match="train/loss/known became inf at step 2"):
        recorder.flush()


def test_a_gradient_norm_may_be_infinite() -> None:
    history = History()
    recorder = Recorder(history)

    recorder.add(1, {"grad_norm": torch.tensor(float("inf"))}, {})
    recorder.flush()

    assert history["train/grad_norm"].values == [float("inf")]


def test_where_diverged_steps_are_skipped_what_is_not_finite_is_left_out() -> None:
    history = History()
    recorder = Recorder(history, on_divergence="skip")

    for step, value in ((1, 0.5), (2, float("nan")), (3, 0.25)):
        recorder.add(step, {"loss/a": torch.tensor(value)}, {})
    recorder.flush()

    assert (history["train/loss/a"].steps, history["train/loss/a"].values) == ([1, 3], [0.5, 0.25])
