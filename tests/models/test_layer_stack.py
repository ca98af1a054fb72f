from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from harness.core.errors import ModulePathError
from harness.models import GrowableModel, Head
from harness.models.layer_stack import check_alike, rearrange, stack_at


class Layer(nn.Linear):
    """A layer that knows its place."""

    def __init__(self, layer_idx: int) -> None:
        super().__init__(2, 2)
        self.layer_idx = layer_idx


class Network(nn.Module):
    """A network with an encoder and perhaps a decoder, and a config."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = SimpleNamespace(**config)
        self.encoder = nn.ModuleList([Layer(0), Layer(1)])
        self.decoder = nn.ModuleList([Layer(0), Layer(1)])


def twice(model: nn.Module, path: str) -> None:
    """Let each layer be followed by a new one of its class."""
    layers = list(stack_at(model, path))
    new = [Layer(index) if isinstance(layer, Layer) else type(layer)() for index, layer in enumerate(layers)]
    rearrange(model, path, [layer for pair in zip(layers, new, strict=True) for layer in pair], [0, 0, 1, 1])


def test_layers_note_their_new_index() -> None:
    model = Network()

    twice(model, "encoder")

    assert [vars(layer)["layer_idx"] for layer in model.encoder] == [0, 1, 2, 3]
    assert list(dict(model.encoder.named_children())) == ["0", "1", "2", "3"]


def test_the_number_and_the_kinds_of_layers_follow_in_the_config() -> None:
    model = Network(num_hidden_layers=2, layer_types=["full", "sliding"], hidden_size=2, mlp_only_layers=[0, 1])

    twice(model, "encoder")

    assert vars(model.config) == {
        "num_hidden_layers": 4,
        "layer_types": ["full", "full", "sliding", "sliding"],
        "hidden_size": 2,
        "mlp_only_layers": [0, 1],
    }


@pytest.mark.parametrize(
    ("path", "counted", "expected"),
    [
        ("encoder", {"encoder_layers": 2, "decoder_layers": 2}, (4, 2)),
        ("decoder", {"encoder_layers": 2, "decoder_layers": 2}, (2, 4)),
        ("encoder", {"num_layers": 2, "num_decoder_layers": 2, "is_encoder_decoder": True}, (4, 2)),
        ("decoder", {"num_layers": 2, "num_decoder_layers": 2, "is_encoder_decoder": True}, (2, 4)),
    ],
)
def test_an_encoder_and_a_decoder_are_counted_apart(
    path: str, counted: dict[str, Any], expected: tuple[int, int]
) -> None:
    model = Network(**counted)

    twice(model, path)

    assert tuple(vars(model.config).values())[:2] == expected


def test_named_layers_keep_their_names() -> None:
    model = nn.Sequential(OrderedDict(a=nn.Tanh(), b=nn.ReLU()))

    twice(model, "")

    assert list(dict(model.named_children())) == ["a", "a_2", "b", "b_2"]


def test_the_taps_of_heads_follow() -> None:
    model = GrowableModel(nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Tanh(), nn.ReLU())), "known")
    for name, tap in (("a", "1.1"), ("b", "0")):
        model.attach(name, Head((2, 2)), tap)
    before = model(torch.ones(1, 2))

    twice(model, "1")

    assert model.taps == {"a": "1.2", "b": "0"}
    assert model(torch.ones(1, 2)).keys() == before.keys()


def test_layers_that_differ_from_others_of_their_class_are_refused() -> None:
    model = Network()
    model.encoder[0].bias_of_positions = nn.Parameter(torch.ones(1))

    check_alike(list(model.encoder), [1], "encoder")
    with pytest.raises(ModulePathError, match="found 'bias_of_positions' in layer 0 alone; leave it out"):
        check_alike(list(model.encoder), [0, 1], "encoder")


@pytest.mark.parametrize("path", ["encoder.0", "empty"])
def test_what_is_no_list_of_layers_is_refused(path: str) -> None:
    model = Network()
    model.empty = nn.ModuleList()

    with pytest.raises(ModulePathError, match="There are: encoder, decoder"):
        stack_at(model, path)
