import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from harness.core.instruction_sets import PINS
from harness.core.spec import with_changes
from harness.growth import ToggleHead
from harness.losses import JointCrossEntropy
from harness.staging import stage_key
from harness.staging.own_code import own_code
from harness.staging.run import RunConfig
from harness.staging.stage_key import first_key, next_key


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 100},
        {"growths.0.trigger.step": 5},
        {"growths.0.freeze": "old_parameters"},
        {"growths.0.operation.width": 9},
    ],
)
def test_what_comes_later_does_not_matter(digits_run: RunConfig, change: dict[str, Any]) -> None:
    assert first_key(with_changes(digits_run, change)) == first_key(digits_run)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"precision": "bf16"},
        {"training.batch_size": 7},
        {"model.dropout": 0.3},
        {"task.split_seed": 1},
        {"task.classes": {"late": (6, 7, 8, 9), "known": (0, 1, 2, 3, 4, 5)}, "growths": ()},
    ],
)
def test_what_influences_the_state_matters(digits_run: RunConfig, change: dict[str, Any]) -> None:
    assert first_key(with_changes(digits_run, change)) != first_key(digits_run)


def test_pinned_instruction_sets_matter_and_where_there_are_none_the_key_is_as_it_always_was(
    digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in PINS.items():
        monkeypatch.setenv(name, value)
    pinned, said = first_key(digits_run), list[Any]()
    monkeypatch.delenv("MKL_CBWR")

    assert first_key(digits_run) != pinned  # two of three are not enough

    monkeypatch.setattr(stage_key, "digest", said.append)
    first_key(digits_run)
    names = ["task", "model", "training", "start", "seed", "device", "precision", "code", "own code", "torch"]
    assert list(said[0]) == names


def test_the_code_matters(digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    before = first_key(digits_run)

    monkeypatch.setattr(stage_key, "code_version", lambda: "another")

    assert first_key(digits_run) != before


def test_the_sources_of_every_layer_that_decides_numbers_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_key, "PACKAGE", tmp_path)
    layers = ("core", "data", "growth", "initializers", "losses", "models", "training")
    versions = [stage_key.code_version.__wrapped__()]

    for layer in layers:
        (tmp_path / layer / "deep").mkdir(parents=True)
        (tmp_path / layer / "deep" / "module.py").write_text("another")
        versions.append(stage_key.code_version.__wrapped__())

    assert len(set(versions)) == 1 + len(layers)


def test_the_code_of_a_users_own_part_matters(digits_run: RunConfig, tmp_path: Path) -> None:
    keys = []
    for outputs in ("outputs", "outputs + 0"):
        source = tmp_path / "own.py"
        source.write_text(OWN_MODEL.format(outputs=outputs))
        spec = importlib.util.spec_from_file_location("own_part", source)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["own_part"] = module
        spec.loader.exec_module(module)
        keys.append(first_key(digits_run.model_copy(update={"model": module.Own()})))
    del sys.modules["own_part"]

    assert keys[0] != keys[1]


OWN_MODEL = """
from typing import Literal
from torch import nn
from harness.models import AbstractModel

class Own(AbstractModel):
    kind: Literal["own"] = "own"

    def build(self, outputs):
        return nn.Linear(64, {outputs})
"""


def test_what_is_there_from_the_start_matters(digits_run: RunConfig) -> None:
    started = digits_run.model_copy(update={"start": (ToggleHead(name="late", on=False),)})

    assert first_key(started) != first_key(digits_run)


def test_a_users_own_loss_is_found_in_the_losses(digits_run: RunConfig) -> None:
    class OwnLoss(JointCrossEntropy):
        kind: Literal["test_own_loss"] = "test_own_loss"  # type: ignore[assignment]

    training = digits_run.training.model_copy(update={"losses": {"classes": OwnLoss()}})
    own = Path(__file__).read_bytes()

    found = own_code(digits_run.model_copy(update={"training": training}))

    assert found == [hashlib.sha256(own).hexdigest()]


def test_a_stage_after_a_growth_depends_on_all_before_it(digits_run: RunConfig) -> None:
    change = digits_run.growths[0].change
    frozen = change.model_copy(update={"loss_weight": 0.5})

    places = (("a", 1, change), ("b", 1, change), ("a", 2, change), ("a", 1, frozen))
    keys = {next_key(*place, digits_run) for place in places}

    assert len(keys) == 4


def test_a_memory_and_what_reads_it_matter_from_the_first_growth_on(digits_run: RunConfig) -> None:
    memory = {"training.memory": {"kind": "reservoir", "size": 9, "per_batch": 4}}
    stored = {"classes": {"kind": "joint_cross_entropy"}, "stored": {"kind": "dark_experience"}}
    runs = [digits_run, with_changes(digits_run, memory)]
    runs += [with_changes(runs[1], {"training.memory.size": 8}), with_changes(runs[1], {"training.losses": stored})]

    assert len(set(map(first_key, runs))) == 1
    assert len({next_key("a", 1, digits_run.growths[0].change, run) for run in runs}) == len(runs)
    assert first_key(with_changes(runs[1], {"training.nearest_mean": "hidden.0"})) != first_key(digits_run)
