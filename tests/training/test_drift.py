import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from harness.core.label_map import LabelMap
from harness.data import Split, TaskData
from harness.growth import AttachHead, NoFreezing, OldParameters, Probe, WidenLayer
from harness.growth.lineage import Change
from harness.models import GrowableModel
from harness.models.teacher import keep_teacher
from harness.training.drift import PENALTY, debiased_cka, drift, probed_accuracy, relative_change
from harness.training.optimizers import SGD
from harness.training.state import TrainState, fresh_state

BOTH = LabelMap.of({"known": (0, 1, 2), "late": (3, 4)}, arrived={3: 1, 4: 1})
HEAD = AttachHead(name="late", outputs=2, tap="hidden")
LAYERS = {"blocks.0.conv", "blocks.1.conv", "hidden.linear", "output"}


def features(seed: int, examples: int = 40, width: int = 6) -> torch.Tensor:
    return torch.randn(examples, width, generator=torch.Generator().manual_seed(seed))


@given(seed=st.integers(0, 99), scale=st.floats(0.01, 100))
def test_alike_is_whatever_is_turned_or_scaled_or_moved(seed: int, scale: float) -> None:
    one = features(seed)
    turn, _ = torch.linalg.qr(features(seed + 1, examples=6))

    assert debiased_cka(one, scale * one @ turn + 3) == pytest.approx(1, abs=1e-5)


def test_what_has_nothing_in_common_is_not_alike_on_average() -> None:
    # The plain estimate would be far above zero with more features than examples.
    found = [debiased_cka(features(seed, 20, 200), features(seed + 1000, 20, 200)) for seed in range(100)]

    assert abs(sum(found) / len(found)) < 0.02


def test_it_is_the_ratio_of_unbiased_estimates_over_all_quadruples() -> None:
    one, other = features(0, 6, 3).double(), features(1, 6, 3).double()

    def hsic(left: torch.Tensor, right: torch.Tensor) -> float:
        """Return the mean of the kernel of the U statistic over all ordered quadruples of different examples."""
        k, m = left @ left.T, right @ right.T
        terms = [
            (k[a, b] * m[a, b] + k[a, b] * m[c, d] - 2 * k[a, b] * m[a, c]).item()
            for a in range(6) for b in range(6) for c in range(6) for d in range(6) if len({a, b, c, d}) == 4
        ]  # fmt: skip
        return sum(terms) / len(terms)

    expected = hsic(one, other) / math.sqrt(hsic(one, one) * hsic(other, other))
    assert debiased_cka(one, other) == pytest.approx(expected)


def test_equal_features_are_exactly_alike_and_constant_ones_like_nothing() -> None:
    assert debiased_cka(torch.zeros(8, 3), torch.zeros(8, 3)) == 1
    assert math.isnan(debiased_cka(torch.ones(8, 3), features(0, 8, 3)))
    assert math.isnan(relative_change(torch.zeros(8, 3), features(0, 8, 3)))


def test_a_change_is_relative_to_what_was_there() -> None:
    assert relative_change(torch.full((4, 2), 2.0), torch.full((4, 2), 3.0)) == pytest.approx(0.5)


def test_a_probe_judges_each_example_by_all_others() -> None:
    seen, labels = features(3, 12, 4).double(), torch.tensor([0, 1, 2] * 4)
    centred = seen - seen.mean(dim=0)
    penalty = PENALTY * centred.square().sum(dim=1).mean()
    right = 0
    for left_out in range(12):
        others = torch.arange(12) != left_out
        # The same ridge regression in its primal form; its intercept is one more feature, of that mean length.
        design = torch.cat([centred, torch.full((12, 1), (penalty / PENALTY).sqrt().item())], dim=1)
        gram = design[others].T @ design[others] + penalty * torch.eye(5)
        weights = torch.linalg.solve(gram, design[others].T @ nn.functional.one_hot(labels[others]).double())
        right += int((design[left_out] @ weights).argmax() == labels[left_out])

    assert probed_accuracy(seen, labels) == pytest.approx(right / 12)


def test_a_probe_reads_what_is_there_and_nothing_else() -> None:
    labels = torch.arange(200) % 4

    assert probed_accuracy(5 * nn.functional.one_hot(labels).float() + features(0, 200, 4), labels) > 0.9
    assert probed_accuracy(features(1, 200, 4), labels) < 0.4
    assert math.isnan(probed_accuracy(features(1, 200, 4), torch.zeros(200)))
    assert math.isnan(probed_accuracy(torch.ones(200, 4), labels))


def grown(state: TrainState, data: TaskData, *, frozen: bool = False) -> TrainState:
    change = Change(operation=HEAD, freeze=OldParameters() if frozen else NoFreezing(), keep_teacher=True)
    state.grow(change, probe=Probe(data.validation.inputs[:2]))
    return state


def test_just_after_the_growth_nothing_has_moved(state: TrainState, data: TaskData) -> None:
    found = drift(grown(state, data), data.validation, BOTH)

    assert {name.removeprefix("drift/cka/") for name in found if "cka" in name} == LAYERS
    assert {name.removeprefix("drift/probe/") for name in found if "probe" in name} == LAYERS
    assert all(value == (1 if "cka" in name else 0) for name, value in found.items() if "probe" not in name)


def test_what_moved_is_seen_where_it_moved_and_above_it(state: TrainState, data: TaskData) -> None:
    grown(state, data)
    with torch.no_grad():
        state.model.get_parameter("backbone.hidden.linear.weight").mul_(-1)

    found = drift(state, data.validation, BOTH)

    assert found["drift/cka/blocks.1.conv"] == 1
    assert found["drift/cka/hidden.linear"] < 1
    assert found["drift/change/output"] > 0


def test_looking_changes_no_mode_and_draws_nothing(state: TrainState, data: TaskData) -> None:
    grown(state, data)
    state.model.train()
    stream = torch.get_rng_state()

    first, second = (drift(state, data.validation, BOTH) for _ in range(2))

    assert first == second
    assert state.model.training
    assert torch.equal(torch.get_rng_state(), stream)


def test_only_examples_of_the_classes_that_were_known_are_looked_at(state: TrainState, data: TaskData) -> None:
    late = data.validation.labels >= 3
    data.validation.inputs[late] = float("nan")

    assert drift(grown(state, data), data.validation, BOTH)["drift/cka/output"] == 1


def test_without_a_teacher_or_examples_there_is_no_drift(state: TrainState, data: TaskData) -> None:
    assert drift(state, data.validation, BOTH) == {}
    assert drift(grown(state, data), data.validation.take(torch.arange(3)), BOTH) == {}


def test_a_widened_layer_has_no_change_in_length(data: TaskData) -> None:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(64, 7), nn.ReLU(), nn.Linear(7, 3))
    state = fresh_state(GrowableModel(backbone, "known"), SGD(lr=0.1), seed=0, precision="fp32")
    keep_teacher(state.model).join(state.model)
    change = Change(operation=WidenLayer(path="1", to=9), freeze=NoFreezing(), keep_teacher=True)
    state.grow(change, probe=Probe(data.validation.inputs[:8]))

    found = drift(state, data.validation, LabelMap.of({"known": (0, 1, 2)}))

    assert "drift/change/1" not in found
    assert 0 < found["drift/cka/1"] <= 1 + 1e-9
    assert found["drift/change/3"] == pytest.approx(0, abs=1e-5)


def test_what_a_module_returns_beside_features_is_left_out(data: TaskData) -> None:
    class Odd(nn.Linear):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return super().forward(inputs).mean(dim=0)

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.odd, self.last = Odd(64, 2), nn.Linear(64, 3)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            flat = inputs.flatten(1)
            return self.last(flat) + self.odd(flat).sum()  # type: ignore[no-any-return]

    state = fresh_state(GrowableModel(Two(), "known"), SGD(lr=0.1), seed=0, precision="fp32")
    split = Split(data.validation.inputs, data.validation.labels)
    head = AttachHead(name="late", outputs=2, tap="last")
    state.grow(Change(operation=head, freeze=NoFreezing(), keep_teacher=True), probe=Probe(split.inputs[:2]))

    assert set(drift(state, split, BOTH)) == {"drift/cka/last", "drift/change/last", "drift/probe/last"}
