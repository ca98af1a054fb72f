import pytest
import torch
from torch import nn

from harness.staging.snapshot import write_snapshot
from harness.training.packing.network import pack_networks
from harness.training.packing.shared_storage import aligned, share
from tests.training.packing.runs import Run


def parameters(*shape: int, count: int = 3) -> list[nn.Parameter]:
    stream = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=stream)) for _ in range(count)]


@pytest.mark.parametrize("shape", [(), (1,), (3, 7), (16,), (13, 10), (2, 3, 3, 3)])
def test_values_and_identity_stay_and_rows_begin_where_tensors_do(shape: tuple[int, ...]) -> None:
    own = parameters(*shape)
    before = [parameter.detach().clone() for parameter in own]

    shared = share(own, start=4)

    assert shared.values.shape == (3, *shape)
    assert (shared.parameters, shared.start) == (tuple(own), 4)
    assert all(torch.equal(parameter, value) for parameter, value in zip(own, before, strict=True))
    assert all(parameter.data_ptr() % 64 == 0 and parameter.is_contiguous() for parameter in own)


def test_a_change_of_a_row_is_one_of_the_parameter_and_the_other_way_round() -> None:
    own = parameters(3, 7)
    shared = share(own)

    with torch.no_grad():
        shared.values[1].fill_(5)
        own[2].fill_(6)

    assert own[1].eq(5).all()
    assert shared.values[2].eq(6).all()
    assert not own[0].eq(5).any()


@pytest.mark.parametrize("learns", [True, False])
def test_what_is_frozen_gets_no_gradient(learns: bool) -> None:
    own = parameters(3, 7)
    for parameter in own:
        parameter.requires_grad_(learns)

    assert share(own).values.requires_grad is learns


def test_a_parameter_may_be_moved_again() -> None:
    own = parameters(3, 7)
    before = [parameter.detach().clone() for parameter in own]
    share(own)

    shared = share(own[1:])

    assert torch.equal(shared.values, torch.stack(before[1:]))
    assert all(torch.equal(parameter, value) for parameter, value in zip(own, before, strict=True))


def test_a_packed_state_has_the_snapshot_that_it_had() -> None:
    loops = [Run(seed=seed).loop() for seed in range(2)]
    for loop in loops:
        loop.advance()
    before = [write_snapshot(loop.state) for loop in loops]

    pack_networks([loop.feed for loop in loops])

    assert [write_snapshot(loop.state) for loop in loops] == before


def test_rows_of_aligned_tensors_begin_where_tensors_do() -> None:
    rows = aligned(torch.empty(0), 4, (3, 7))

    assert rows.shape == (4, 3, 7)
    assert all(row.data_ptr() % 64 == 0 and row.is_contiguous() for row in rows)
