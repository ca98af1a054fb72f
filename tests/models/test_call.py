from collections import UserDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.models import GrowableModel
from harness.models.call import arguments, call, named_arguments, tensors_in

ONE, TWO = torch.ones(2, 3), torch.zeros(2)


@dataclass
class Clip:
    frames: Tensor
    name: str = "a"


class Pair(NamedTuple):
    first: Tensor
    second: Tensor


class Takes(nn.Module):
    """Returns all that it was called with."""

    def forward(self, ids: Any, mask: Any = None) -> tuple[Any, Any]:
        return ids, mask


class TakesOne(nn.Module):
    def forward(self, batch: Any) -> Any:
        return batch


class TakesAnything(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.module = inner

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)


@pytest.mark.parametrize(
    ("model", "inputs", "expected"),
    [
        (Takes(), ONE, ((ONE,), {})),
        (Takes(), {"ids": ONE, "mask": TWO}, ((), {"ids": ONE, "mask": TWO})),
        (Takes(), UserDict({"ids": ONE}), ((), {"ids": ONE})),
        (Takes(), (ONE, TWO), ((ONE, TWO), {})),
        (Takes(), [ONE, TWO], (([ONE, TWO],), {})),
        (TakesOne(), {"ids": ONE}, (({"ids": ONE},), {})),
        (TakesOne(), {0: ONE}, (({0: ONE},), {})),
        (TakesOne(), (ONE, TWO), (((ONE, TWO),), {})),
        (TakesOne(), ((ONE, TWO),), (((ONE, TWO),), {})),
        (Takes(), Pair(ONE, TWO), ((Pair(ONE, TWO),), {})),
        (Takes(), Clip(ONE), ((Clip(ONE),), {})),
        (TakesAnything(Takes()), {"ids": ONE}, ((), {"ids": ONE})),
        (TakesAnything(TakesOne()), {"ids": ONE}, (({"ids": ONE},), {})),
        (TakesAnything(nn.Identity()), {"other": ONE}, (({"other": ONE},), {})),
        (GrowableModel(TakesOne(), "known"), {"ids": ONE}, (({"ids": ONE},), {})),
        (GrowableModel(Takes(), "known"), (ONE, TWO), ((ONE, TWO), {})),
    ],
    ids=lambda value: type(value).__name__,
)
def test_batches_become_the_arguments_that_the_network_takes(model: nn.Module, inputs: Any, expected: Any) -> None:
    args, kwargs = arguments(model, inputs)

    assert kwargs.keys() == expected[1].keys()
    assert [type(value) for value in args] == [type(value) for value in expected[0]]
    call(model, inputs)


def test_a_mapping_that_does_not_fit_is_refused_in_words() -> None:
    with pytest.raises(SpecError, match="needs ids and takes ids, mask; found ids, labels"):
        arguments(Takes(), {"ids": ONE, "labels": TWO})


def test_a_growable_model_takes_a_batch_whole_or_by_name() -> None:
    model = GrowableModel(Takes(), "known")
    batch = {"ids": ONE, "mask": TWO}

    whole, named, by_position = model(batch)["known"], model(**batch)["known"], model(ONE, TWO)["known"]

    assert whole[1] is named[1] is by_position[1] is TWO


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((ONE, TWO), {}), ((ONE,), {"mask": TWO}), ((), {"ids": ONE, "mask": TWO}), (({"mask": TWO},), {})],
    ids=["position", "both", "name", "within"],
)
def test_arguments_have_names(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert named_arguments(Takes(), args, kwargs)["mask"] is TWO


def test_tensors_are_found_in_any_batch() -> None:
    found = list(tensors_in({"a": [ONE, (TWO,)], "b": Clip(ONE), "c": "word", "d": Pair(ONE, TWO)}))

    assert [id(tensor) for tensor in found] == [id(tensor) for tensor in (ONE, TWO, ONE, ONE, TWO)]
