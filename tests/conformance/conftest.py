"""Networks of every sort that growth must be right on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from harness.models import MLP, ConvNet, Decoder, GrowableModel, ViT


class Residual(nn.Module):
    """A stem, a block with a skip connection, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.fc = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[B, 1, 8, 8]` to `[B, 3]`."""
        maps = self.stem(inputs)
        outputs: Tensor = self.fc((maps + self.block(maps)).mean(dim=(2, 3)))
        return outputs


class Attention(nn.Module):
    """A transformer encoder over sequences, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.fc = nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[B, 5, 8]` to `[B, 3]`."""
        outputs: Tensor = self.fc(self.encoder(inputs).mean(dim=1))
        return outputs


class Recurrent(nn.Module):
    """An LSTM over sequences, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 6, batch_first=True)
        self.fc = nn.Linear(6, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[B, 5, 8]` to `[B, 3]`."""
        outputs: Tensor = self.fc(self.lstm(inputs)[0][:, -1])
        return outputs


class Tied(nn.Module):
    """Two layers with one weight, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
        self.second.weight = self.first.weight
        self.fc = nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[B, 8]` to `[B, 3]`."""
        outputs: Tensor = self.fc(torch.relu(self.second(torch.relu(self.first(inputs)))))
        return outputs


def hooked() -> nn.Module:
    """Return a network whose layers are listened to, and changed, by hooks."""
    model = MLP(inputs=8, widths=(6, 5)).build(3)
    model.get_submodule("hidden.1").register_forward_hook(lambda _module, _inputs, output: output * 1.5)
    model.get_submodule("output").register_forward_hook(lambda _module, _inputs, output: output + 0.5)
    return model


def transformer() -> nn.Module:
    """Return a randomly initialized network of another library."""
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        vocab_size=40,
        max_position_embeddings=16,
    )
    config.num_labels = 3
    model: nn.Module = BertForSequenceClassification(config)
    return model


@dataclass(frozen=True)
class Specimen:
    """A network, and the places in it that operations are tried on.

    Attributes:
        classifier: the path of its last linear layer, of three outputs.
        tap: the path of a module that gives features.
        hidden: the path of a layer that others read.
        tokens: how many there are, if it reads such.
    """

    name: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    classifier: str
    tap: str
    hidden: str
    dtype: torch.dtype = torch.float32
    tokens: int = 0

    def model(self) -> GrowableModel:
        """Return the network, with values that are always the same."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return GrowableModel(self.build(), "known").to(self.dtype)

    def inputs(self) -> Tensor:
        """Return a batch of six."""
        generator = torch.Generator().manual_seed(1)
        if self.tokens:
            return torch.randint(0, self.tokens, (6, *self.shape), generator=generator)
        return torch.randn(6, *self.shape, generator=generator).to(self.dtype)


def small_conv() -> nn.Module:
    """Return a network with batch norm and dropout."""
    return ConvNet(image=(1, 8, 8), channels=(4, 6), hidden=7, dropout=0.3).build(3)


def small_mlp() -> nn.Module:
    """Return a multilayer perceptron."""
    return MLP(inputs=8, widths=(6, 5)).build(3)


def small_vit() -> nn.Module:
    """Return a transformer that reads patches."""
    return ViT(image=(1, 8, 8), width=8, depth=1, heads=2, dropout=0.1).build(3)


def small_decoder() -> nn.Module:
    """Return a language model whose embedding and output layer share their weights."""
    return Decoder(context=5, width=8, depth=2, heads=2).build(3)


ZOO = [
    Specimen("mlp", small_mlp, (8,), "output", "hidden.0", "hidden.0.linear"),
    Specimen("conv net with batch norm and dropout", small_conv, (1, 8, 8), "output", "blocks.1", "blocks.0.conv"),
    Specimen("residual net", Residual, (1, 8, 8), "fc", "block", "stem"),
    Specimen("transformer encoder", Attention, (5, 8), "fc", "encoder.layers.0", "encoder.layers.0.linear1"),
    Specimen("lstm", Recurrent, (5, 8), "fc", "lstm", "lstm"),
    Specimen("tied weights", Tied, (8,), "fc", "second", "first"),
    Specimen("hooks", hooked, (8,), "output", "hidden.1", "hidden.0.linear"),
    Specimen("float64", small_conv, (1, 8, 8), "output", "hidden", "blocks.1.conv", torch.float64),
    Specimen("bf16", small_mlp, (8,), "output", "hidden.1", "hidden.0.linear", torch.bfloat16),
    Specimen(
        "transformers",
        transformer,
        (5,),
        "classifier",
        "bert.encoder.layer.0",
        "bert.encoder.layer.0.intermediate.dense",
        tokens=40,
    ),
    Specimen("vit", small_vit, (1, 8, 8), "output", "blocks.0", "blocks.0.mlp.expand"),
    Specimen("decoder", small_decoder, (5,), "output", "blocks.0", "blocks.1.mlp.expand", tokens=3),
]


@pytest.fixture(params=ZOO, ids=lambda specimen: specimen.name)
def specimen(request: pytest.FixtureRequest) -> Specimen:
    """Each network of the zoo in turn."""
    found: Specimen = request.param
    return found


def outputs(model: nn.Module, inputs: Tensor) -> Mapping[str, Tensor]:
    """Return what `model` computes in eval mode, by name."""
    with torch.no_grad():
        found = model.eval()(inputs)
    assert isinstance(found, Mapping)
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}
