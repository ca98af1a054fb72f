from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from harness.training.packing.batching import at_once
from harness.training.packing.functions import ExactFunctions

COUNT = 3


def called(function: Callable[..., Tensor], *rows: Tensor, seeds: tuple[int, ...] = ()) -> Tensor:
    """Return what a function returns for each network's row of the arguments, called once."""
    streams = [torch.Generator().manual_seed(seed) for seed in seeds]

    def named(*arguments: Tensor) -> dict[str, Tensor]:
        with ExactFunctions(COUNT, streams or None):
            return {"": function(*arguments)}

    return at_once(named, COUNT, *rows)[""]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(COUNT, *shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (functional.linear, [(5, 7), (4, 7), (4,)]),
        (functional.linear, [(2, 5, 7), (4, 7)]),
        (functional.linear, [(7,), (4, 7), (4,)]),
        (functional.layer_norm, [(5, 7)]),
        (functional.conv1d, [(2, 3, 9), (4, 3, 3)]),
        (torch.tanh, [(5, 7)]),
        (functional.softmax, [(5, 7)]),
    ],
)
def test_each_network_gets_the_bits_of_its_own_call(
    function: Callable[..., Tensor], shapes: list[tuple[int, ...]]
) -> None:
    more: dict[Callable[..., Tensor], tuple[object, ...]] = {functional.layer_norm: ([7],), functional.softmax: (1,)}
    rows = [drawn(*shape, seed=seed) for seed, shape in enumerate(shapes)]

    found = called(lambda *own: function(*own, *more.get(function, ())), *rows)

    for row, own in enumerate(zip(*rows, strict=True)):
        assert torch.equal(found[row], function(*(one.clone() for one in own), *more.get(function, ())))


def test_dropout_draws_from_each_network_s_stream() -> None:
    values = drawn(5, 7)

    found = called(lambda own: functional.dropout(own, 0.4), values, seeds=(3, 4, 5))

    for row, seed in enumerate((3, 4, 5)):
        torch.manual_seed(seed)
        assert torch.equal(found[row], functional.dropout(values[row], 0.4))


def test_dropout_of_an_evaluation_changes_nothing() -> None:
    values = drawn(5, 7)

    assert torch.equal(called(lambda own: functional.dropout(own, 0.4, training=False), values), values)


def test_an_argument_that_is_given_twice_stays_one() -> None:
    def asked(query: Tensor, key: Tensor) -> Tensor:
        return query + (1 if query is key else 2)

    asked.__name__ = "bilinear"
    values = drawn(5)

    def given_twice(own: Tensor) -> Tensor:
        found: Tensor = ExactFunctions(COUNT, None).__torch_function__(asked, (), (own, own))
        return found

    assert torch.equal(at_once(lambda own: {"": given_twice(own)}, COUNT, values)[""], values + 1)


@pytest.mark.parametrize("draw", [torch.rand_like, lambda values: functional.dropout(values, 0.4, inplace=True)])
def test_what_draws_in_another_way_is_refused(draw: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(RuntimeError):
        called(draw, drawn(5), seeds=(1, 2, 3))
