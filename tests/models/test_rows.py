import pytest
import torch
from torch import nn

from harness.core.errors import ModulePathError
from harness.models.rows import check_rows, holders, replace_rows
from harness.models.widened import Widened


def tied() -> nn.ModuleDict:
    model = nn.ModuleDict({"embedding": nn.Embedding(4, 3), "output": nn.Linear(3, 4)})
    model["output"].weight = model["embedding"].weight
    return model


def test_all_that_hold_a_tensor_are_found() -> None:
    model = tied()
    model["twice"] = model["output"]

    found = holders(model, model.get_parameter("output.weight"))

    assert list(map(str, found)) == ["embedding.weight", "output.weight"]


def test_new_rows_take_the_place_of_old_ones_wherever_they_are_held() -> None:
    model = tied()
    old = model.get_parameter("embedding.weight").requires_grad_(False)
    vars(old)["no_decay"], values = True, old.clone()

    new = replace_rows(model, old, torch.ones(6, 3))

    assert new is model.get_parameter("embedding.weight") is model.get_parameter("output.weight")
    assert torch.equal(old, values)
    assert [vars(model["embedding"])["num_embeddings"], vars(model["output"])["out_features"]] == [6, 6]
    assert (new.requires_grad, vars(new)["no_decay"]) == (False, True)


def test_a_buffer_stays_a_buffer() -> None:
    model = nn.BatchNorm1d(3)

    replace_rows(model, model.get_buffer("running_mean"), torch.ones(5))

    assert dict(model.named_buffers())["running_mean"].tolist() == [1.0] * 5


def test_rows_that_another_kind_of_module_holds_are_refused() -> None:
    model = tied()
    model["norm"] = nn.LayerNorm(3)
    model["norm"].weight = model.get_parameter("output.weight")

    with pytest.raises(ModulePathError, match=r"found them in 'norm\.weight' \(LayerNorm\) too; think"):
        check_rows(model, model.get_parameter("output.weight"), "output", "think")


def test_rows_before_others_of_an_output_layer_are_refused() -> None:
    model = tied()
    model["output"] = Widened(model["output"], nn.Linear(3, 2))  # type: ignore[arg-type]

    check_rows(model, model.get_parameter("output.parts.1.weight"), "output", "think")
    with pytest.raises(ModulePathError, match=r"found others after those of 'output\.parts\.0'; think"):
        check_rows(model, model.get_parameter("embedding.weight"), "embedding", "think")
