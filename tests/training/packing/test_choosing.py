import time

import pytest

from harness.training.packing import Packs, pack
from harness.training.packing.proof import Proof
from tests.training.packing.runs import Run, alone, loops_of, together, train
from tests.training.packing.test_pack import DROPPED, head, seeds


def test_a_pack_that_does_not_pay_is_none(packed_steps: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "LEAST_SAVED", 1.0)
    runs = seeds()
    expected = [alone(run) for run in runs]

    assert together(runs) == expected
    assert not packed_steps


@pytest.mark.parametrize(("disturbed", "packed"), [(0, 6), (1, 5), (2, 0)])
def test_one_measurement_that_was_disturbed_sends_one_run_alone_and_two_send_all(
    disturbed: int, packed: int, packed_steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = iter([*[0.0] * disturbed, *[0.5] * 9])
    monkeypatch.setattr(pack, "LEAST_SAVED", 0.2)
    monkeypatch.setattr(pack, "prove", lambda *_: Proof(holds=True, saved=next(saved)))
    runs = seeds(6)
    expected = [alone(run) for run in runs]

    assert together(runs) == expected
    assert max(packed_steps, default=0) == packed


@pytest.mark.parametrize(("largest", "sizes"), [(24, {5}), (4, {2, 3}), (2, {1, 2}), (1, set())])
def test_a_pack_is_at_most_as_large_as_asked(largest: int, sizes: set[int], packed_steps: list[int]) -> None:
    together(seeds(5, steps=4), Packs(largest=largest))

    assert set(packed_steps) | ({1} & sizes) == sizes


def test_those_are_chosen_whose_stages_began_first() -> None:
    late = loops_of(seeds(2, grown=(head(),)))
    early = loops_of([Run(seed=5), Run(seed=6), Run(seed=7, model=DROPPED)])

    assert Packs().choose([*late, *early]) == early[:2]


def test_as_many_runs_begin_as_a_proof_needs_and_then_all(packed_steps: list[int]) -> None:
    packs, loops = Packs(), loops_of(seeds(4))
    before = [packs.has_room(loops[:count]) for count in range(3)]

    packs.train(packs.choose(loops[:2]))

    assert before == [True, True, False]
    assert packs.has_room(loops)
    assert packed_steps


def test_beside_a_run_that_trains_alone_no_other_begins() -> None:
    assert not Packs().has_room(loops_of(seeds(1, model=DROPPED, settings={"alone": True})))


def test_runs_that_hold_much_memory_begin_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "BUDGET_BYTES", 10_000)

    assert not Packs().has_room(loops_of(seeds(1)))


def test_each_run_bears_its_share_of_the_time(packed_steps: list[int]) -> None:
    loops = loops_of(seeds(3))

    began = time.monotonic()
    train(loops)
    took = time.monotonic() - began

    assert 0 < sum(loop.seconds for loop in loops) <= took
    assert packed_steps
