from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import TapNotFoundError
from harness.models.find_layout import find_examples_axis, find_layout
from harness.models.taps import features_at

SEQUENCES, IDS = torch.randn(4, 7, 6), torch.randint(1, 50, (4, 7))
IMAGES = torch.randn(4, 3, 16, 16)


class Recurrent(nn.Module):
    """Turns `[B, T, F]` around for a recurrent layer as torch makes it by default."""

    def __init__(self, *, turn: bool = True, **settings: Any) -> None:
        super().__init__()
        self.turn = turn
        self.rnn, self.norm, self.fc = nn.LSTM(6, 8, **settings), nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.norm(self.rnn(inputs.transpose(0, 1) if self.turn else inputs)[0])
        result: Tensor = self.fc(features)[-1]
        return result


class Encoder(nn.Module):
    def __init__(self, *, batch_first: bool) -> None:
        super().__init__()
        self.batch_first = batch_first
        self.embed = nn.Embedding(50, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, ids: Tensor) -> Tensor:
        embedded = self.embed(ids)
        features: Tensor = self.encoder(embedded if self.batch_first else embedded.transpose(0, 1))
        return features


class ResidualConv(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(8, 8, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        return functional.max_pool1d(features + functional.gelu(self.conv(features)), 2)


class ChannelsLastNorm(nn.LayerNorm):
    """As in ConvNeXt of timm: a layer norm of maps whose channels come first."""

    def forward(self, maps: Tensor) -> Tensor:
        rows = functional.layer_norm(maps.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias)
        return rows.permute(0, 3, 1, 2)


class NextBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm, self.mlp, self.sum = (
            nn.Conv2d(3, 8, 4, 4),
            ChannelsLastNorm(8),
            nn.Linear(8, 8),
            nn.Identity(),
        )

    def forward(self, images: Tensor) -> Tensor:
        maps = self.norm(self.stem(images))
        result: Tensor = self.sum(maps + self.mlp(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return result


class Unfolded(nn.Module):
    """Makes one row of each position of each example."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 8)

    def forward(self, inputs: Tensor) -> Tensor:
        rows: Tensor = self.fc(inputs.flatten(0, 1))
        return rows


class Mixing(nn.Module):
    """Knows the number of examples: it can be called with no other."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 8)

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.fc(inputs.reshape(4, 7, 6))
        return result


CONV = nn.Sequential(nn.Conv1d(6, 8, 3, padding=1), nn.BatchNorm1d(8), nn.ReLU(), ResidualConv())
CASES = [
    (Recurrent(), SEQUENCES, "rnn", "TBF"),
    (Recurrent(), SEQUENCES, "norm", "TBF"),
    (Recurrent(), torch.randn(8, 8, 6), "norm", "TBF"),
    (Recurrent(turn=False), SEQUENCES.transpose(0, 1).contiguous(), "fc", "TBF"),
    (Recurrent(turn=False, batch_first=True), SEQUENCES, "rnn", None),
    (Recurrent(turn=False, batch_first=True), SEQUENCES, "norm", None),
    (Encoder(batch_first=False), IDS, "embed", None),
    (Encoder(batch_first=False), IDS, "encoder", "TBF"),
    (Encoder(batch_first=False), IDS, "encoder.layers.0", "TBF"),
    (Encoder(batch_first=False), IDS, "encoder.layers.1.linear1", "TBF"),
    (Encoder(batch_first=False), IDS, "encoder.layers.1.self_attn", "TBF"),
    (Encoder(batch_first=True), IDS, "encoder.layers.1.linear1", None),
    *[(CONV, torch.randn(4, 6, length), str(tap), "BCL") for length in (7, 8) for tap in range(4)],
    (CONV, torch.randn(4, 6, 8), "", "BCL"),
    *[
        (NextBlock(), torch.randn(4, 3, size, size), tap, layout)
        for size in (16, 32)
        for tap, layout in (("stem", None), ("norm", None), ("mlp", "BHWC"), ("sum", None))
    ],
]


@pytest.mark.parametrize(
    ("model", "inputs", "tap", "layout"), CASES, ids=[f"{index}-{case[2]}" for index, case in enumerate(CASES)]
)
def test_axes_are_told(model: nn.Module, inputs: Tensor, tap: str, layout: str | None) -> None:
    features = features_at(model, tap, inputs)

    assert find_layout(model, model.get_submodule(tap), inputs, features, "there") == layout


@pytest.mark.parametrize(
    ("model", "tap", "message"),
    [
        (Mixing(), "fc", r"features \[4, 7, 8\] there .*; say layout='...'"),
        (Unfolded(), "fc", r"a row for each of 4 examples there, found \[28, 8\]"),
    ],
)
def test_where_axes_cannot_be_told_the_user_is_asked(model: nn.Module, tap: str, message: str) -> None:
    features = features_at(model, tap, SEQUENCES)

    with pytest.raises(TapNotFoundError, match=message):
        find_layout(model, model.get_submodule(tap), SEQUENCES, features, "there")


def test_sequences_with_time_first_may_have_a_mask_with_examples_first() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    batch = {"src": torch.randn(7, 4, 8), "src_key_padding_mask": torch.zeros(4, 7, dtype=torch.bool)}
    features = features_at(layer, "linear1", batch)

    assert find_layout(layer, layer.linear1, batch, features, "there") == "TBF"


def test_the_experiments_leave_nothing_behind() -> None:
    model, stream = Recurrent(), torch.get_rng_state()

    find_layout(model, model.norm, SEQUENCES, features_at(model, "norm", SEQUENCES), "there")

    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), stream)


def test_the_axis_of_examples_among_inputs_is_told() -> None:
    recurrent, encoder, mixing = Recurrent(), Encoder(batch_first=True), Mixing()

    assert find_examples_axis(recurrent, recurrent.fc, SEQUENCES) == 1
    assert find_examples_axis(encoder, encoder.encoder, IDS) == 0
    assert find_examples_axis(mixing, mixing.fc, SEQUENCES) is None
