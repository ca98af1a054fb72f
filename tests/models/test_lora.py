import pytest
from torch import nn

from harness.benchmarks.adapted import AdaptedLinear
from harness.core.errors import ModulePathError
from harness.models.lora import adapted_layers, check_own_weight, factors, is_plain_lora


def adapted() -> nn.ModuleDict:
    return nn.ModuleDict({"plain": nn.Linear(3, 3), "adapted": AdaptedLinear(nn.Linear(3, 4), rank=2, alpha=4)})


def test_adapted_layers_are_known_by_what_they_hold() -> None:
    assert list(adapted_layers(adapted())) == ["adapted"]


def test_each_factor_says_where_ranks_lie() -> None:
    layer = adapted()["adapted"]

    reading, writing = factors(layer, "default")

    assert (reading.tensor.shape[reading.rank], reading.tensor.shape[reading.other]) == (2, 3)
    assert (writing.tensor.shape[writing.rank], writing.tensor.shape[writing.other]) == (2, 4)
    assert (reading.weight_dim, writing.weight_dim) == (1, 0)


def test_a_merged_adapter_is_no_plain_one() -> None:
    layer = adapted()["adapted"]
    assert is_plain_lora(layer)

    vars(layer)["merged"] = True

    assert not is_plain_lora(layer)


def test_the_layer_that_a_wrapper_trains_is_to_be_named() -> None:
    model = nn.ModuleDict({"score": nn.Module()})
    model["score"].original_module = nn.Linear(3, 2)
    model["score"].modules_to_save = nn.ModuleDict({"default": nn.Linear(3, 2)})

    check_own_weight(model.get_submodule("score.modules_to_save.default"), "score.modules_to_save.default", model)
    for path in ("score", "score.original_module"):
        with pytest.raises(ModulePathError, match=r"name 'score\.modules_to_save\.default'"):
            check_own_weight(model.get_submodule(path), path, model)
