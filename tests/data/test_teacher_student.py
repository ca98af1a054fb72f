import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.data import Output, TeacherStudent, load_task
from harness.models import MLP
from harness.staging.run import RunConfig
from harness.staging.runner import Runner

TASK = TeacherStudent(classes={"known": tuple(range(10))}, outputs={"values": Output(columns=10)})


@given(seed=st.integers(0, 99), inputs=st.integers(1, 9), columns=st.integers(1, 5))
def test_data_are_a_function_of_the_seed(seed: int, inputs: int, columns: int) -> None:
    task = TASK.model_copy(update={"data_seed": seed, "inputs": inputs, "columns": columns, "examples": (30, 5, 7)})

    first, again = task.load(None), task.load(None)

    assert torch.equal(first.train.inputs, again.train.inputs)
    assert torch.equal(first.test.targets["values"], again.test.targets["values"])
    assert (first.train.inputs.shape, first.train.targets["values"].shape) == ((30, inputs), (30, columns))
    assert [len(first.validation), len(first.test)] == [5, 7]


def test_other_seeds_make_other_teachers_and_other_inputs() -> None:
    one, other = (TASK.model_copy(update={"data_seed": seed}).load(None).train for seed in (0, 1))

    assert not torch.equal(one.inputs, other.inputs)
    assert not torch.equal(one.targets["values"], other.targets["values"])


def test_outputs_are_standardized_and_the_largest_is_the_label() -> None:
    train = load_task(TASK, None).train

    assert torch.allclose(train.targets["values"].mean(0), torch.zeros(10), atol=1e-5)
    assert torch.allclose(train.targets["values"].std(0, correction=0), torch.ones(10), atol=1e-5)
    assert torch.equal(train.targets["values"].argmax(1), train.labels)
    assert train.labels.bincount(minlength=10).min() > 20


def test_noise_has_the_spread_that_was_asked_for() -> None:
    clean, noisy = (TASK.model_copy(update={"noise": noise}).load(None).train.targets["values"] for noise in (0, 0.5))

    assert (noisy - clean).std().item() == pytest.approx(0.5, rel=0.05)


def test_the_global_random_stream_is_left_alone() -> None:
    stream = torch.get_rng_state()

    TASK.load(None)

    assert torch.equal(torch.get_rng_state(), stream)


def test_a_student_learns_what_the_teacher_knows(digits_run: RunConfig, runner: Runner) -> None:
    task = TeacherStudent(classes={"known": (0, 1, 2)}, columns=3, inputs=4, widths=(3,))
    run = digits_run.model_copy(
        update={"task": task, "model": MLP(inputs=4, widths=(32,)), "growths": (), "steps": 400}
    )

    result = runner.run(run)

    assert result.metrics["test/accuracy/all"] > 0.85
