from itertools import accumulate

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.losses import AbstractLoss, Batch, JointCrossEntropy

LOSS = JointCrossEntropy()
CLASSES = {"known": (0, 1, 5), "late": (4, 2)}
LABEL_MAP = LabelMap.of(CLASSES)
COLUMN = {0: 0, 1: 1, 5: 2, 4: 3, 2: 4}
LABELS = torch.tensor([0, 4, 5, 2, 2, 1, 0])


def components_of(outputs: dict[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    batch = Batch(outputs=outputs, inputs=torch.zeros(len(labels), 1), labels=labels, specs=OutputSpecs(label_map))
    return LOSS.components("classes", batch)


def logits_of(examples: int, classes: dict[str, tuple[int, ...]] = CLASSES, seed: int = 0) -> dict[str, Tensor]:
    stream = torch.Generator().manual_seed(seed)
    return {head: 2 * torch.randn(examples, len(group), generator=stream) for head, group in classes.items()}


def by_hand(outputs: dict[str, Tensor], label: int, example: int) -> Tensor:
    """Return -log of the true class's share of the exponentials of all heads' logits, in float64."""
    joined = torch.cat([outputs["known"], outputs["late"]], dim=1)[example].double().exp()
    return -(joined[COLUMN[label]] / joined.sum()).log()


def test_each_component_is_the_mean_of_its_own_examples() -> None:
    outputs = logits_of(len(LABELS))

    components = components_of(outputs, LABELS, LABEL_MAP)

    for head, group in CLASSES.items():
        own = [by_hand(outputs, label, n) for n, label in enumerate(LABELS.tolist()) if label in group]
        torch.testing.assert_close(components[head].double(), torch.stack(own).mean(), rtol=1e-5, atol=1e-6)


@st.composite
def tasks(draw: st.DrawFn) -> tuple[dict[str, tuple[int, ...]], Tensor]:
    """Draw up to four heads, whose classes are in any order, and labels of theirs."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    order = draw(st.permutations(range(sum(sizes))))
    ends = list(accumulate(sizes))
    classes = {f"head{end}": tuple(order[end - size : end]) for size, end in zip(sizes, ends, strict=True)}
    labels = draw(st.lists(st.sampled_from(order), min_size=1, max_size=12))
    return classes, torch.tensor(labels)


@given(task=tasks(), seed=st.integers(0, 99))
def test_shares_of_the_components_add_up_to_the_joint_cross_entropy(
    task: tuple[dict[str, tuple[int, ...]], Tensor], seed: int
) -> None:
    (classes, labels), label_map = task, LabelMap.of(task[0])
    outputs = logits_of(len(labels), classes, seed)

    components = components_of(outputs, labels, label_map)

    joint = functional.cross_entropy(torch.cat(list(outputs.values()), dim=1), label_map.column[labels])
    shares = {head: torch.isin(labels, torch.tensor(group)).float().mean() for head, group in classes.items()}
    assert list(components) == list(classes)
    torch.testing.assert_close(sum(shares[head] * components[head] for head in classes), joint)


@given(task=tasks(), seed=st.integers(0, 99))
def test_gradients_are_those_of_the_plain_formula(task: tuple[dict[str, tuple[int, ...]], Tensor], seed: int) -> None:
    (classes, labels), label_map = task, LabelMap.of(task[0])
    outputs = {head: value.requires_grad_() for head, value in logits_of(len(labels), classes, seed).items()}
    head = next(name for name, group in classes.items() if int(labels[0]) in group)

    found = torch.autograd.grad(components_of(outputs, labels, label_map)[head], list(outputs.values()))

    # The gradient of -log softmax is the softmax less one at the true class, for the head's own examples.
    joined = torch.cat([value.detach() for value in outputs.values()], dim=1)
    truth = functional.one_hot(label_map.column[labels], joined.shape[1])
    own = torch.isin(labels, torch.tensor(classes[head]))
    expected = (joined.softmax(dim=1) - truth) * own[:, None] / own.sum()
    torch.testing.assert_close(torch.cat(found, dim=1), expected)


@pytest.mark.parametrize("head", CLASSES)
def test_finite_differences_agree_with_the_gradient(head: str) -> None:
    outputs = {name: value.requires_grad_() for name, value in logits_of(len(LABELS)).items()}
    way = logits_of(len(LABELS), seed=1)

    def along(length: float) -> Tensor:
        moved = {name: value + length * way[name] for name, value in outputs.items()}
        return components_of(moved, LABELS, LABEL_MAP)[head]

    slopes = torch.autograd.grad(along(0), list(outputs.values()))
    expected = torch.stack([(slope * way[name]).sum() for name, slope in zip(outputs, slopes, strict=True)]).sum()

    torch.testing.assert_close((along(0.01) - along(-0.01)) / 0.02, expected, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(("labels", "silent"), [([0, 1, 5], "late"), ([2, 4], "known")])
def test_a_head_without_examples_has_no_loss_and_no_gradient(labels: list[int], silent: str) -> None:
    outputs = {head: value.requires_grad_() for head, value in logits_of(len(labels)).items()}

    components = components_of(outputs, torch.tensor(labels), LABEL_MAP)

    assert components[silent] == 0
    gradients = torch.autograd.grad(components[silent], list(outputs.values()))
    assert not any(gradient.any() for gradient in gradients)


def test_a_single_head_is_plain_cross_entropy() -> None:
    outputs, labels = {"known": logits_of(4)["known"]}, torch.tensor([1, 5, 0, 0])

    components = components_of(outputs, labels, LabelMap.of({"known": CLASSES["known"]}))

    assert list(components) == ["known"]
    assert components["known"] == functional.cross_entropy(outputs["known"], torch.tensor([1, 2, 0, 0]))


def test_all_heads_compete_for_every_example() -> None:
    outputs, louder = logits_of(3), logits_of(3)
    louder["late"] = louder["late"] + 1
    labels = torch.tensor([0, 1, 5])

    quiet, loud = (components_of(logits, labels, LABEL_MAP)["known"] for logits in (outputs, louder))

    assert loud > quiet


def test_outputs_that_are_no_heads_are_left_aside() -> None:
    outputs = logits_of(len(LABELS))

    components = components_of(outputs | {"size_reg": torch.tensor(3.0)}, LABELS, LABEL_MAP)

    assert components == components_of(outputs, LABELS, LABEL_MAP)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_softmax_of_16_bit_logits_is_taken_in_float32(dtype: torch.dtype) -> None:
    halved = {head: value.to(dtype) for head, value in logits_of(len(LABELS)).items()}

    components = components_of(halved, LABELS, LABEL_MAP)

    cast = components_of({head: value.float() for head, value in halved.items()}, LABELS, LABEL_MAP)
    assert components == cast
    assert all(value.dtype is torch.float32 for value in components.values())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gradients_flow_back_to_16_bit_logits(dtype: torch.dtype) -> None:
    halved = {head: value.to(dtype).requires_grad_() for head, value in logits_of(len(LABELS)).items()}

    gradients = torch.autograd.grad(components_of(halved, LABELS, LABEL_MAP)["late"], list(halved.values()))

    assert all(gradient.dtype is dtype and gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_large_logits_make_a_large_finite_loss(dtype: torch.dtype) -> None:
    outputs = {"known": torch.tensor([[6e4, 0, -6e4]], dtype=dtype), "late": torch.zeros(1, 2, dtype=dtype)}

    components = components_of(outputs, torch.tensor([5]), LABEL_MAP)

    torch.testing.assert_close(components["known"], torch.tensor(1.2e5), rtol=0.01, atol=0)


def test_it_survives_json() -> None:
    assert AbstractLoss.model_validate(LOSS.to_json()) == AbstractLoss.model_validate("joint_cross_entropy") == LOSS


def test_the_weight_of_a_class_counts_in_whichever_column_it_is() -> None:
    outputs, weights = logits_of(len(LABELS)), {4: 3.0, 5: 0.5}
    batch = Batch(outputs=outputs, inputs=torch.zeros(len(LABELS), 1), labels=LABELS, specs=OutputSpecs(LABEL_MAP))

    components = JointCrossEntropy(class_weights=weights).components("classes", batch)

    for head, group in CLASSES.items():
        own = [(weights.get(label, 1.0), n, label) for n, label in enumerate(LABELS.tolist()) if label in group]
        losses = torch.stack([weight * by_hand(outputs, label, n) for weight, n, label in own])
        mean = losses.sum() / sum(weight for weight, *_ in own)
        torch.testing.assert_close(components[head].double(), mean, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("classes", [CLASSES, {"all": (0, 1, 5, 4, 2)}], ids=["two heads", "one head"])
def test_the_mean_over_examples_without_weight_is_zero(classes: dict[str, tuple[int, ...]], smoothing: float) -> None:
    label_map, labels = LabelMap.of(classes), torch.tensor([0, 1])
    loss = JointCrossEntropy(class_weights={0: 0.0, 1: 0.0}, label_smoothing=smoothing)
    outputs = {name: value.requires_grad_() for name, value in logits_of(2, classes).items()}
    batch = Batch(outputs=outputs, inputs=torch.zeros(2, 1), labels=labels, specs=OutputSpecs(label_map))

    components = loss.components("classes", batch)
    sum(components.values(), torch.zeros(())).backward()

    assert [value.item() for value in components.values()] == [0.0] * len(classes)
    assert all(not value.grad.any() for value in outputs.values() if value.grad is not None)
