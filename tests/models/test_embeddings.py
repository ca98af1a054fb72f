import torch
from torch import nn

from harness.models.embeddings import output_biases, output_layers, weights_of


class Declaring(nn.ModuleDict):
    """Names its output layer, as Hugging Face's networks do."""

    def get_output_embeddings(self) -> nn.Module:
        return self["output"]


def language_model(kind: type[nn.ModuleDict] = nn.ModuleDict) -> nn.ModuleDict:
    model = kind({"embedding": nn.Embedding(4, 3), "output": nn.Linear(3, 4), "other": nn.Linear(3, 4)})
    model.register_parameter("bias", nn.Parameter(torch.zeros(4)))
    model.register_buffer("running_bias", torch.zeros(4))
    return model


def test_output_layers_are_those_that_are_tied_or_named_or_declared() -> None:
    tied = language_model()
    tied["other"].weight = tied["embedding"].weight

    assert list(output_layers(language_model(), "embedding", None)) == []
    assert list(output_layers(tied, "embedding", None)) == ["other"]
    assert list(output_layers(language_model(), "embedding", "other")) == ["other"]
    assert list(output_layers(language_model(Declaring), "embedding", None)) == ["output"]


def test_a_declared_layer_of_another_size_is_none_of_the_embedding() -> None:
    model = language_model(Declaring)
    model["output"] = nn.Linear(3, 5)

    assert output_layers(model, "embedding", None) == {}


def test_biases_are_those_of_the_layer_and_those_added_around_it() -> None:
    model = language_model()

    biases = output_biases(model, ["output"], 4)

    assert [id(bias) for bias in biases] == [id(model["output"].bias), id(model.bias)]


def test_a_weight_that_is_tied_counts_once() -> None:
    model = language_model()
    model["other"].weight = model["embedding"].weight

    assert weights_of(model["embedding"], {"other": model["other"]}) == [model["embedding"].weight]  # type: ignore[arg-type,dict-item]
