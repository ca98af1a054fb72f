import itertools
import shutil
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import InputError, InterruptedRunError, SpecError
from harness.core.history import History
from harness.core.spec import with_changes
from harness.data import TaskData
from harness.growth.rules import TriggerMonitor
from harness.losses import FeatureMatching, JointCrossEntropy
from harness.models import AbstractModel
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.snapshot import write_snapshot
from harness.staging.stage_key import first_key
from harness.staging.workspace import Workspace
from harness.training import compiled
from harness.training.compiled import CompiledForward
from harness.training.config import TrainingConfig
from harness.training.features import FeatureCache
from harness.training.loop import StageLoop
from harness.training.state import fresh_state


class _Undecided(nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(64, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.output(inputs if inputs.sum() > 0 else -inputs)
        return outputs


class Undecided(AbstractModel):
    """A network whose way depends on values, which no graph follows."""

    kind: Literal["test_undecided"] = "test_undecided"

    def build(self, outputs: int) -> nn.Module:
        """Return it."""
        return _Undecided(outputs)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[CompiledForward]:
    """What is compiled meanwhile, by a backend that calls torch's own kernels."""
    monkeypatch.setattr(compiled, "BACKEND", compiled.TRACE_ALONE)
    known: list[CompiledForward] = []
    original = CompiledForward.__init__

    def noted(self: CompiledForward, *args: Any) -> None:
        known.append(self)
        original(self, *args)

    monkeypatch.setattr(CompiledForward, "__init__", noted)
    return known


def trained(run: RunConfig, data: TaskData) -> tuple[History, bytes]:
    """Train up to a growth, and beyond it; return history and last snapshot."""
    history = History()
    state = fresh_state(build_network(run, data), run.training.optimizer, seed=0, precision=run.precision)
    for until in (4, 12):
        settings: dict[str, Any] = {"config": run.training, "data": data, "monitor": TriggerMonitor(())}
        loop = StageLoop(state, until, history=history, features=FeatureCache(), **settings)
        assert (loop.feed.compiled is not None) == run.training.compile
        assert loop.feed.cut is None or not run.training.compile
        assert loop.signature is None or not run.training.compile
        loop.finish()
        if until == 4:
            state.grow(run.growths[0].change, probe=probe_for(run.growths[0].change, data))
    return history, write_snapshot(state)


def test_it_is_the_same_function_and_compiled_anew_whenever_that_changes(
    digits_run: RunConfig, made: list[CompiledForward]
) -> None:
    thaw = {"kind": "warm_up_then_thaw", "steps": 3}
    changes = {"precision": "bf16", "growths.0.freeze": thaw, "training.evaluate_every": 5}
    recipe = {"training.accumulate": 4, "training.record_gradients_every": 2}
    run = with_changes(digits_run, changes | recipe)
    data = run.task.load(None)

    found = trained(with_changes(run, {"training.compile": True}), data)

    assert len(made) == 3  # at the start, after the growth, and where the old part is thawed
    assert found == trained(run, data)
    assert len(made) == 3
    assert not any(module._forward_hooks for module in made[-1]._model.modules())


def test_a_machine_without_a_compiler_is_refused(
    digits_run: RunConfig, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setenv("CXX", "some-c++ -m64")

    runner.check(digits_run)
    with pytest.raises(InputError, match=r"expected a C\+\+ compiler for torch.compile, found no 'some-c\+\+'; inst"):
        runner.check(with_changes(digits_run, {"training.compile": True}))


def test_a_network_that_cannot_be_followed_is_refused_in_one_line(
    digits_run: RunConfig, runner: Runner, made: list[CompiledForward]
) -> None:
    follows = with_changes(digits_run, {"training.compile": True})
    runner.check(follows)
    assert len(made) == 2  # before and after the growth

    cannot = with_changes(follows, {"growths": [], "task.classes": {"known": list(range(10))}})
    with pytest.raises(SpecError, match=r"that torch\.compile follows as a whole, found that it cannot: ") as raised:
        runner.check(cannot.model_copy(update={"model": Undecided()}))
    assert "\n" not in str(raised.value)


def test_losses_that_read_features_are_refused() -> None:
    losses = {"classes": JointCrossEntropy(), "features": FeatureMatching(tap="hidden")}

    with pytest.raises(ValueError, match="compile: expected losses of outputs alone, found 'features'"):
        TrainingConfig(losses=losses, compile=True)


def test_its_numbers_have_a_key_of_their_own(digits_run: RunConfig) -> None:
    assert "compile" not in digits_run.training.to_json()
    assert first_key(with_changes(digits_run, {"training.compile": True})) != first_key(digits_run)


@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_what_inductor_compiles_is_nearly_the_same_and_goes_on_to_the_bit(
    digits_run: RunConfig, tmp_path: Path
) -> None:
    run = with_changes(digits_run, {"model.dropout": 0.0, "training.compile": True, "training.accumulate": 3})
    plain = with_changes(run, {"training.compile": False})
    runners = [Runner(Workspace(tmp_path / name).create()) for name in ("whole", "plain", "parts")]
    asked = itertools.count(1)
    runners[2].stop = lambda: next(asked) >= 27

    whole, eager = runners[0].run(run), runners[1].run(plain)
    with pytest.raises(InterruptedRunError):
        runners[2].run(run)
    runners[2].stop = lambda: False
    resumed = runners[2].run(run)

    assert resumed.history == whole.history
    assert whole.history != eager.history
    for name in ("train/loss/total", "val/loss/total"):
        torch.testing.assert_close(whole.history[name].values, eager.history[name].values, rtol=1e-3, atol=1e-4)
