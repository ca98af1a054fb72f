from typing import Any

import pytest

from harness.reporting.data.described import described

HEAD = {
    "kind": "attach_head",
    "name": "late",
    "outputs": 2,
    "tap": "hidden.1",
    "width": 0,
    "dropout": 0.0,
    "init": {"kind": "torch_default"},
    "stop_gradient": False,
    "output_init": None,
}
RULE = {
    "operation": HEAD,
    "freeze": {"kind": "nothing", "frozen_norm": "eval"},
    "reveals": [],
    "keep_teacher": True,
    "lr_factor": 1.0,
    "trigger": {"kind": "at_step", "step": 200},
}
SAID = "attach_head (name late, outputs 2, tap hidden.1, init torch_default) at_step 200, freeze nothing, keep_teacher"
PENALTY = {"kind": "ewc", "weight": 5000.0, "examples": 5}


def rule(name: str, step: int, **changes: Any) -> dict[str, Any]:
    return RULE | {"operation": HEAD | {"name": name}, "trigger": {"kind": "at_step", "step": step}} | changes


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (RULE, SAID),
        ([], "none"),
        ({}, "none"),
        (None, "none"),
        (5000.0, "5000"),
        (0.30000000000000004, "0.3"),
        ([64, 64], "64, 64"),
        ({"kind": "mlp", "widths": [64, 32], "activation": "relu"}, "mlp (widths (64, 32), activation relu)"),
        ({"kind": "up_to_tap", "frozen_norm": "eval", "tap": "hidden"}, "up_to_tap hidden"),
        ({"kind": "up_to_tap", "frozen_norm": "train", "tap": "hidden"}, "up_to_tap (frozen_norm train, tap hidden)"),
        ({"kind": "random_examples", "size": 0}, "random_examples 0"),
        ({"known": [0, 1, 2, 3, 4], "late": [7, 9]}, "known 0 to 4, late (7, 9)"),
        ({"parity": [[0, 2], [1, 3]]}, "parity ((0, 2), (1, 3))"),
        ({"a": {"kind": "over_batch", "weight": 1.0}, "b": PENALTY}, "a over_batch, b ewc (weight 5000, examples 5)"),
        ([True, 1, 2, 3], "yes, 1, 2, 3"),
    ],
)
def test_a_value_is_written_without_what_it_switches_off(value: Any, text: str) -> None:
    assert described(value) == text


def test_growths_of_the_same_kinds_are_said_as_one() -> None:
    growths = [rule("t1", 200, reveals=[2, 3]), rule("t2", 400, reveals=[4, 5]), rule("t3", 600, reveals=[6, 7])]

    assert described(growths) == (
        "3 times attach_head (name t1, t2 and t3; outputs 2; tap hidden.1; init torch_default) "
        "at_step 200, 400 and 600, freeze nothing, reveals (2, 3), (4, 5) and (6, 7), keep_teacher"
    )


def test_growths_of_different_kinds_follow_each_other() -> None:
    frozen = rule("t2", 400, freeze={"kind": "old_parameters", "frozen_norm": "eval"})

    said = described([rule("t1", 200), frozen])

    assert said.split("; then ") == [described(rule("t1", 200)), described(frozen)]


def test_prose_has_the_names_of_the_field_and_leaves_those_of_others() -> None:
    growth = rule("late_head", 200, lr_factor=0.1, freeze={"kind": "old_parameters", "frozen_norm": "eval"})

    said = described(growth, prose=True)

    assert said == (
        "attach head (name late_head, outputs 2, tap hidden.1, initialization torch default) at step 200, "
        "freeze old parameters, keep teacher, learning rate factor 0.1"
    )
    assert described({"my_output": {"kind": "mean_squared"}}, prose=True) == "my_output mean squared"
    assert described({"kind": "adamw", "lr": 0.002}, prose=True) == "AdamW 0.002"
