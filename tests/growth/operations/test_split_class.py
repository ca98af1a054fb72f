import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth import Promise, grow
from harness.growth.operations import SplitClass, WidenHead
from harness.growth.record import Growth
from harness.models import GrowableModel
from harness.models.widened import Widened
from harness.training.optimizers import SGD, AbstractOptimizer, AdamW

OPTIMIZERS = [SGD(lr=0.05, momentum=0.9), AdamW(lr=0.01)]
ROWS = ["own", "in_place"]


def mlp(*, classes: int = 4, bias: bool = True, dtype: torch.dtype = torch.float64) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, classes, bias=bias)).to(dtype)


def split(rows: str = "own", **settings: object) -> SplitClass:
    return SplitClass.model_validate({"path": "2", "parent": 1, "children": 3, "rows": rows, **settings})


def apply(model: nn.Module, operation: SplitClass) -> Growth:
    return operation.apply(model, probe=None, generator=torch.Generator().manual_seed(0))


def examples(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(7, 3, dtype=dtype, generator=torch.Generator().manual_seed(1))


@given(classes=st.integers(1, 6), children=st.integers(2, 5), rows=st.sampled_from(ROWS), data=st.data())
def test_every_probability_stays_and_children_share_their_parents(
    classes: int, children: int, rows: str, data: st.DataObject
) -> None:
    model, inputs = mlp(classes=classes), examples()
    parent = data.draw(st.integers(0, classes - 1))
    before = model(inputs).softmax(dim=1)

    apply(model, split(rows, parent=parent, children=children))

    after = model(inputs).softmax(dim=1)
    mine = [parent, *range(classes, classes + children - 1)]
    others = [column for column in range(classes) if column != parent]
    torch.testing.assert_close(after[:, mine].sum(dim=1), before[:, parent])
    torch.testing.assert_close(after[:, mine], (before[:, parent, None] / children).expand(-1, children))
    torch.testing.assert_close(after[:, others], before[:, others])


def test_without_the_correction_children_take_mass_from_the_others() -> None:
    model, inputs = mlp(), examples()
    before = model(inputs)

    apply(model, split(keep_probability=False))

    after = model(inputs)
    assert torch.equal(after[:, :4], before)
    torch.testing.assert_close(after[:, 4:], before[:, 1:2].expand(-1, 2))
    assert bool((after.softmax(dim=1)[:, [1, 4, 5]].sum(dim=1) > before.softmax(dim=1)[:, 1]).all())


@pytest.mark.parametrize("rows", ROWS)
def test_other_columns_stay_and_columns_record_the_parent(rows: str) -> None:
    model, inputs = mlp(), examples()
    before = model(inputs)

    growth = apply(model, split(rows))

    assert growth.columns == {"2": (0, 1, 2, 3, 1, 1)}
    torch.testing.assert_close(model(inputs)[:, [0, 2, 3]], before[:, [0, 2, 3]])


@pytest.mark.parametrize("rows", ROWS)
def test_old_tensors_keep_their_values(rows: str) -> None:
    model = mlp()
    old = list(model.parameters())
    values = [parameter.clone() for parameter in old]

    apply(model, split(rows, noise=0.1))

    assert all(torch.equal(a, b) for a, b in zip(old, values, strict=True))


@pytest.mark.parametrize("rows", ROWS)
def test_noise_tells_all_children_apart_in_units_of_the_parent(rows: str) -> None:
    model = nn.Sequential(nn.Identity(), nn.Identity(), nn.Linear(4000, 2)).double()
    parent = model.get_parameter("2.weight").detach()[1].clone()

    apply(model, split(rows, noise=0.1))

    layer = model.get_submodule("2")
    assert isinstance(layer, (Widened, nn.Linear))
    children = layer.weight.detach()[[1, 2, 3]]
    spread = (children - parent).std(dim=1) / parent.std()
    torch.testing.assert_close(spread, torch.full((3,), 0.1, dtype=torch.float64), rtol=0.1, atol=0)
    assert len({tuple(child.tolist()) for child in children}) == 3


def test_noise_is_seeded() -> None:
    models = [mlp(), mlp()]

    for model in models:
        apply(model, split(noise=0.1))
        torch.randn(3)

    assert all(torch.equal(a, b) for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True))


@pytest.mark.parametrize("rows", ROWS)
def test_a_layer_without_bias_cannot_keep_the_probability(rows: str) -> None:
    model = mlp(bias=False)

    with pytest.raises(SpecError, match="set keep_probability=False"):
        apply(model, split(rows))
    apply(model, split(rows, keep_probability=False))

    assert model(examples()).shape == (7, 6)


def test_a_parent_beyond_the_classes_is_refused() -> None:
    with pytest.raises(SpecError, match="expected a parent below 4, the outputs of '2'; found 9"):
        apply(mlp(), split(parent=9))


def test_a_split_has_two_children_at_least() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        split(children=1)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("parent", [1, 5])
def test_classes_of_any_part_of_a_widened_layer_are_split(parent: int, rows: str) -> None:
    model, inputs = mlp(), examples()
    WidenHead(path="2", to=6).apply(model, probe=None, generator=torch.Generator())
    before = model(inputs).softmax(dim=1)

    growth = apply(model, split(rows, parent=parent))

    after = model(inputs).softmax(dim=1)
    torch.testing.assert_close(after[:, [parent, 6, 7]].sum(dim=1), before[:, parent])
    assert growth.columns == {"2": (0, 1, 2, 3, 4, 5, parent, parent)}


def test_a_child_can_be_split_again() -> None:
    model, inputs = mlp(), examples()
    before = model(inputs).softmax(dim=1)

    apply(model, split(children=2))
    apply(model, split(parent=4, children=2))

    after = model(inputs).softmax(dim=1)
    torch.testing.assert_close(after[:, [1, 4, 5]].sum(dim=1), before[:, 1])
    torch.testing.assert_close(after[:, 1], before[:, 1] / 2)


def test_classes_of_maps_are_split() -> None:
    model, maps = nn.Sequential(nn.Identity(), nn.Identity(), nn.Conv2d(3, 4, 1)), torch.randn(2, 3, 5, 5)
    before = model(maps).softmax(dim=1)

    apply(model, split())

    torch.testing.assert_close(model(maps).softmax(dim=1)[:, [1, 4, 5]].sum(dim=1), before[:, 1])


def test_hooks_and_modes_stay(conv_model: GrowableModel, images: Tensor) -> None:
    heard: list[torch.Size] = []
    conv_model.get_submodule("backbone.output").register_forward_hook(lambda _m, _i, output: heard.append(output.shape))
    conv_model.eval()
    before = conv_model(images)["known"].softmax(dim=1)

    apply(conv_model, split(path="output"))

    after = conv_model(images)["known"].softmax(dim=1)
    torch.testing.assert_close(after[:, [1, 3, 4]].sum(dim=1), before[:, 1])
    assert heard == [(5, 3), (5, 5)]
    assert not any(module.training for module in conv_model.modules())


def test_bf16_keeps_its_type_and_the_probability_as_far_as_it_can() -> None:
    model, inputs = mlp(dtype=torch.bfloat16), examples(torch.bfloat16)
    before = model(inputs).float().softmax(dim=1)

    apply(model, split())

    after = model(inputs).float().softmax(dim=1)
    torch.testing.assert_close(after[:, [1, 4, 5]].sum(dim=1), before[:, 1], rtol=0.02, atol=0)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}


class Tied(nn.Module):
    """A classifier that has the weights of the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(4, 3)
        self.output = nn.Linear(3, 4)
        self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.output(self.embedding(tokens))
        return logits


def test_tied_weights_are_split_without_noise_alone() -> None:
    model = Tied()
    before = model(torch.arange(4)).softmax(dim=1)

    with pytest.raises(ModulePathError, match=r"found it in 'embedding\.weight' too; noise=0 leaves weights"):
        apply(model, split(path="output", noise=0.1))
    apply(model, split(path="output"))

    after = model(torch.arange(4)).softmax(dim=1)
    torch.testing.assert_close(after[:, [1, 4, 5]].sum(dim=1), before[:, 1])


@pytest.mark.parametrize("spec", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_kept_rows_and_the_first_child_keep_their_moments(noise: float, rows: str, spec: AbstractOptimizer) -> None:
    model, inputs = mlp(), examples()
    optimizer = spec.start(model.parameters())
    for _ in range(5):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()
    old = [model.get_parameter(f"2.{name}") for name in ("weight", "bias")]
    before = [{key: torch.as_tensor(v).clone() for key, v in optimizer.state[p].items()} for p in old]

    grow(model, optimizer, split(rows, noise=noise))

    layer = model.get_submodule("2")
    part = layer.layers[0] if isinstance(layer, Widened) else layer
    for new, state in zip((part.weight, part.bias), before, strict=True):
        assert isinstance(new, nn.Parameter)
        for key, value in state.items():
            kept = torch.as_tensor(optimizer.state[new][key])
            assert torch.equal(kept[:4] if kept.dim() else kept, value)
    optimizer.zero_grad()
    model(inputs).square().mean().backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("noise", "keep_probability", "promise"),
    [(0.0, True, Promise.NONE), (0.1, False, Promise.NONE), (0.0, False, Promise.CLOSE)],
)
def test_columns_are_promised_only_where_they_stay(noise: float, keep_probability: bool, promise: Promise) -> None:
    assert split(noise=noise, keep_probability=keep_probability).promise() is promise


def test_a_layer_that_is_the_network_is_refused_before_anything_changes() -> None:
    layer = nn.Linear(3, 4)
    bias = layer.bias

    with pytest.raises(ModulePathError, match="wrap it"):
        apply(layer, split(path=""))

    assert layer.bias is bias


def test_splitting_every_class_keeps_every_sum() -> None:
    model, inputs = mlp(classes=2), examples()
    before = model(inputs).softmax(dim=1)

    for parent in (0, 1):
        apply(model, split(parent=parent, children=2))

    after = model(inputs).softmax(dim=1)
    torch.testing.assert_close(after[:, :2] + after[:, 2:], before)
