from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import ModulePathError
from harness.growth.consumers import Consumers, consumers
from harness.growth.tracing import trace
from harness.models import MLP, GrowableModel
from harness.models.head import Head

VECTORS, SEQUENCES, MAPS = torch.randn(4, 3), torch.randn(4, 5, 3), torch.randn(4, 3, 8, 8)


class Through(nn.Module):
    """A layer of six units, a function, and a layer that reads what comes out."""

    def __init__(
        self, layer: nn.Module, function: Callable[[Tensor], Tensor], reader: nn.Module, *, flat: bool = False
    ) -> None:
        super().__init__()
        self.layer, self.function, self.reader, self.flat = layer, function, reader, flat

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.function(self.layer(inputs))
        result: Tensor = self.reader(features.flatten(1) if self.flat else features)
        return result


class Block(nn.Module):
    """A residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(4, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.outer = nn.Conv2d(6, 4, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        return torch.relu(maps + self.outer(functional.silu(self.norm(self.inner(maps)))))


class Residual(nn.Module):
    """Two residual blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.output = nn.Linear(4, 2)

    def forward(self, maps: Tensor) -> Tensor:
        features = self.stem(maps)
        for block in self.blocks:
            features = block(features)
        logits: Tensor = self.output(features.mean((2, 3)))
        return logits


class Tied(nn.Module):
    """Calls one layer twice, and another's weight without the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.first, self.bare = nn.Linear(3, 3), nn.Linear(3, 6), nn.Linear(6, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.shared(self.shared(inputs))
        return functional.linear(self.bare(self.first(features)), self.bare.weight.T)


def found(model: nn.Module, inputs: Tensor, path: str, added: int = 2) -> Consumers:
    return consumers(trace(model, inputs), path, added)


def readers(result: Consumers) -> list[tuple[str, int, int]]:
    return [(reader.path, reader.offset, reader.block) for reader in (*result.norms, *result.layers)]


def linear(function: Callable[[Tensor], Tensor], inputs: int = 6) -> Through:
    return Through(nn.Linear(3, 6), function, nn.Linear(inputs, 2))


def conv(function: Callable[[Tensor], Tensor], inputs: int, stride: int = 1) -> Through:
    return Through(nn.Conv2d(3, 6, 3, stride), function, nn.Linear(inputs, 2), flat=True)


POSSIBLE: list[tuple[str, Through, Tensor, tuple[int, int]]] = [
    ("nothing", linear(lambda x: x), VECTORS, (0, 1)),
    ("activation", linear(torch.tanh), VECTORS, (0, 1)),
    ("activation in place", linear(nn.ReLU(inplace=True)), VECTORS, (0, 1)),
    ("written out", linear(lambda x: x * torch.sigmoid(1.7 * x) + 0.5), VECTORS, (0, 1)),
    ("dropout", linear(nn.Dropout(0.5)), VECTORS, (0, 1)),
    ("sequence", linear(functional.gelu), SEQUENCES, (0, 1)),
    ("positions joined", linear(lambda x: x.reshape(-1, x.size(-1))), SEQUENCES, (0, 1)),
    ("mean over time", linear(lambda x: x.mean(dim=1)), SEQUENCES, (0, 1)),
    ("after others", linear(lambda x: torch.cat([x.new_ones(4, 5), x], 1), 11), VECTORS, (5, 1)),
    ("gate", linear(lambda x: x * x.new_ones(4, 1)), VECTORS, (0, 1)),
    ("flattened", conv(torch.relu, 6 * 36), MAPS, (0, 36)),
    ("viewed", conv(lambda x: x.view(x.size(0), -1), 6 * 36), MAPS, (0, 36)),
    ("pooled", conv(nn.MaxPool2d(2), 6 * 9), MAPS, (0, 9)),
    ("strided", conv(torch.relu, 6 * 9, stride=2), MAPS, (0, 9)),
    ("adaptive", conv(nn.AdaptiveAvgPool2d(1), 6), MAPS, (0, 1)),
    ("mean over space", conv(lambda x: x.mean((2, 3)), 6), MAPS, (0, 1)),
    ("softmax over space", conv(lambda x: x.flatten(2).softmax(-1), 6 * 36), MAPS, (0, 36)),
]


@pytest.mark.parametrize("added", [1, 2, 6, 7])
def test_the_inputs_of_each_unit_are_found(added: int) -> None:
    layouts = {name: readers(found(model, inputs, "layer", added)) for name, model, inputs, _ in POSSIBLE}

    assert layouts == {name: [("reader", *layout)] for name, _, _, layout in POSSIBLE}


IMPOSSIBLE: list[tuple[str, Through, Tensor, str]] = [
    ("layer norm", linear(nn.LayerNorm(6)), VECTORS, r"'function' \(LayerNorm\): it cannot take more of them"),
    ("group norm", conv(nn.GroupNorm(2, 6), 6 * 36), MAPS, r"\(GroupNorm\)"),
    ("grouped convolution", conv(nn.Conv2d(6, 6, 1, groups=6), 6 * 36), MAPS, "it cannot take more of them"),
    ("activation of each", linear(nn.PReLU(6)), VECTORS, "it cannot take more of them"),
    ("softmax", linear(nn.Softmax(-1)), VECTORS, "it mixes them"),
    ("mean", linear(lambda x: x - x.mean(1, keepdim=True)), VECTORS, r"\(mean\): it mixes them"),
    ("halves", linear(functional.glu, 3), VECTORS, r"\(glu\): it mixes them"),
    ("interleaved", linear(lambda x: x.flatten(1), 30), SEQUENCES, r"\(flatten\): it mixes them"),
    ("largest", linear(lambda x: x / x.amax(1, keepdim=True)), VECTORS, r"\(amax\): it mixes them"),
    ("normalized", linear(lambda x: functional.normalize(x, torch.inf)), VECTORS, r"\(normalize\): it mixes them"),
    ("by position", linear(lambda x: x * torch.arange(1, x.size(1) + 1)), VECTORS, r"\(arange\): it mixes them"),
    ("before others", linear(lambda x: torch.cat([x, x.new_ones(4, 5)], 1), 11), VECTORS, r"\(cat\): it mixes them"),
    ("backwards", linear(lambda x: x.flip(1)), VECTORS, r"\(flip\): it mixes them"),
    ("sum", linear(lambda x: x + x.new_ones(4, 6)), VECTORS, r"\(add\): it cannot take more of them"),
    ("hard-coded size", conv(lambda x: x.reshape(-1, 6 * 36), 6 * 36), MAPS, r"\(reshape\): it"),
    ("heads", linear(lambda x: x.reshape(4, 5, 2, 3).sum(2), 3), SEQUENCES, r"\(reshape\)"),
]


@pytest.mark.parametrize(
    ("model", "inputs", "message"), [case[1:] for case in IMPOSSIBLE], ids=[case[0] for case in IMPOSSIBLE]
)
def test_what_cannot_follow_is_named(model: Through, inputs: Tensor, message: str) -> None:
    with pytest.raises(
        ModulePathError, match=rf"expected that 'layer' can get more units, found .*{message}"
    ) as refusal:
        found(model, inputs, "layer")

    assert "\n" not in str(refusal.value)


def test_norms_are_passed_and_found() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.BatchNorm1d(216), nn.Linear(216, 2)
    )

    assert readers(found(model, MAPS, "0")) == [("1", 0, 1), ("4", 0, 36), ("5", 0, 36)]


def test_a_convolution_with_batch_norm_leads_through_pooling_to_heads(
    conv_model: GrowableModel, images: Tensor
) -> None:
    conv_model.attach("late", Head((6, 3, 2)), "blocks.1")
    conv_model.attach("off", Head((7, 2)), "hidden")
    conv_model.switch("off", on=False)

    after_map = found(conv_model, images, "backbone.blocks.1.conv")
    after_vector = found(conv_model, images, "backbone.hidden.linear")

    assert readers(after_map) == [
        ("backbone.blocks.1.norm", 0, 1),
        ("backbone.hidden.linear", 0, 4),
        ("heads.late.layers.0", 0, 1),
    ]
    assert readers(after_vector) == [("backbone.output", 0, 1), ("heads.off.output", 0, 1)]


def test_the_inside_of_a_residual_block_is_free_and_its_sum_is_named() -> None:
    model = Residual()

    assert readers(found(model, MAPS, "blocks.1.inner")) == [("blocks.1.norm", 0, 1), ("blocks.1.outer", 0, 1)]
    with pytest.raises(
        ModulePathError, match=r"'stem' can get more units, found 'add' \(add\) in 'blocks.0': it cannot"
    ):
        found(model, MAPS, "stem")
    with pytest.raises(ModulePathError, match=r"'blocks.1.outer' .* found 'add_1' \(add\) in 'blocks.1'"):
        found(model, MAPS, "blocks.1.outer")


def test_outputs_are_not_hidden_units() -> None:
    with pytest.raises(ModulePathError, match="they are outputs of the network; widen the head instead"):
        found(MLP(inputs=3, widths=(4,)).build(2), VECTORS, "output")


@pytest.mark.parametrize(
    ("path", "message"),
    [("shared", "'shared', found 2 uses: it is shared"), ("first", "'bare', found 2 uses: it is shared")],
)
def test_layers_that_are_used_twice_are_named(path: str, message: str) -> None:
    with pytest.raises(ModulePathError, match=message):
        found(Tied(), VECTORS, path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("0", r"found '1' \(TransformerEncoder\): it cannot take more of them: .*embed"),
        ("1.layers.0.linear1", "found 0 uses: it is unused, or within a module that torch.fx takes as a whole"),
    ],
)
def test_a_transformer_of_torch_is_refused_in_one_line(path: str, message: str) -> None:
    layer = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True)
    model = nn.Sequential(nn.Linear(3, 6), nn.TransformerEncoder(layer, 1), nn.Linear(6, 2))

    with pytest.raises(ModulePathError, match=message) as refusal:
        found(model, SEQUENCES, path)

    assert "\n" not in str(refusal.value)


def test_a_recurrent_layer_is_refused_in_one_line() -> None:
    model = nn.Sequential(nn.Linear(3, 6), nn.LSTM(6, 4))

    with pytest.raises(ModulePathError, match=r"found '1' \(LSTM\): it cannot take more of them"):
        found(model, SEQUENCES, "0")
