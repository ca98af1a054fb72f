from typing import Any

import pytest

from harness.core.machine_kind import kind_differences, same_kind

MACHINE: dict[str, Any] = {
    "processor": {"vendor": "AuthenticAMD", "model": "EPYC 7", "instruction_sets": ["avx2"]},
    "torch": "2.13.0",
    "threads": 1,
    "pinned": False,
}


def changed(part: str, value: Any, **others: Any) -> dict[str, Any]:
    processor = {**MACHINE["processor"], part: value} if part in MACHINE["processor"] else MACHINE["processor"]
    return {**MACHINE, "processor": processor, **({} if part in MACHINE["processor"] else {part: value}), **others}


def test_a_machine_is_of_its_own_kind() -> None:
    assert same_kind(MACHINE, changed("threads", 1))


@pytest.mark.parametrize(
    ("part", "value", "name"),
    [
        ("model", "EPYC 9", "processor.model"),
        ("instruction_sets", ["avx2", "avx512f"], "processor.instruction_sets"),
        ("vendor", "GenuineIntel", "processor.vendor"),
        ("torch", "2.14.0", "torch"),
        ("threads", 2, "threads"),
        ("pinned", True, "pinned"),
        ("gpu", {"name": "H200"}, "gpu.name"),
    ],
)
def test_what_may_change_last_bits_makes_another_kind(part: str, value: Any, name: str) -> None:
    (difference,) = kind_differences(MACHINE, changed(part, value))

    assert difference.startswith(f"{name} ")


def test_model_and_further_instruction_sets_do_not_matter_where_they_are_pinned_and_the_maker_does() -> None:
    one = changed("model", "EPYC 9", pinned=True)
    other = changed("instruction_sets", ["avx2", "avx512f"], pinned=True)

    assert same_kind(one, other)
    assert not same_kind(one, changed("vendor", "GenuineIntel", pinned=True))


def test_a_machine_that_is_not_known_is_of_no_kind() -> None:
    assert not same_kind({}, MACHINE)
    assert not same_kind(MACHINE, {})
