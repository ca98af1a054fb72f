import signal
import sys
from collections.abc import Callable
from typing import Any, Literal

import pytest
from torch import Tensor, nn

from harness.core.errors import ContractError, SpecError
from harness.core.spec import with_changes
from harness.models import AbstractModel, ConvNet
from harness.staging.check_model import check_model
from harness.staging.run import RunConfig
from harness.staging.runner import Runner


class Foreign(AbstractModel):
    """A model that fails in a way of its own."""

    kind: Literal["foreign"] = "foreign"
    way: str

    def build(self, outputs: int) -> nn.Module:
        if self.way == "build":
            raise TypeError("no such\nargument")
        return Failing(self.way, outputs)


class Failing(nn.Module):
    def __init__(self, way: str, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(64, outputs + (way == "columns"))
        self.way = way

    def forward(self, inputs: Tensor) -> Any:
        found = self.layer(inputs.double() if self.way == "double" else inputs)
        ways: dict[str, Callable[[], Any]] = {
            "key": lambda: dict[str, Any]()["missing"],
            "deaf": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN) and found,
            "exit": lambda: sys.exit(0),
            "tuple": lambda: (found, found),
            "rows": lambda: found.mean(dim=0, keepdim=True),
            "dict": lambda: {"other": found},
        }
        return ways.get(self.way, lambda: found)()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            {"inputs": 63},
            r"\(64,\) of the task 'digits', found 'mlp': its module 'hidden.0.linear', Linear\(in.*multiplied",
        ),
        (ConvNet(image=(1, 8, 8), channels=(4,)), r"inputs \(64,\) of the task 'digits', found 'conv_net': its module"),
        (Foreign(way="build"), "cannot build the model 'foreign': TypeError: no such argument"),
        (Foreign(way="double"), "'foreign': its module 'layer', Linear.* fails with RuntimeError: .*dtype"),
        (
            Foreign(way="key"),
            r"'foreign': it fails with KeyError: 'missing' \(tests/staging/test_check_model\.py, line \d+\)$",
        ),
        (Foreign(way="exit"), "'foreign': it fails with SystemExit: 0"),
        (Foreign(way="columns"), r"the output 'known' \(2, 6\) of the model 'foreign', .* found \(2, 7\)"),
        (Foreign(way="rows"), r"the output 'known' \(2, 6\) .* found \(1, 6\)"),
        (Foreign(way="tuple"), r"the output 'known' \(2, 6\) .* found tuple"),
        (Foreign(way="dict"), r"the output 'known' \(2, 6\) .* found NoneType"),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "way", type(value).__name__),
)
def test_a_model_that_does_not_fit_its_data_is_one_line(
    digits_run: RunConfig, runner: Runner, model: Any, message: str
) -> None:
    changed = model if isinstance(model, AbstractModel) else digits_run.model.model_copy(update=model)
    run = digits_run.model_copy(update={"model": changed})

    with pytest.raises(SpecError, match=message) as refused:
        check_model(run, runner.data(run))

    assert "\n" not in str(refused.value)


def test_a_model_that_changes_a_setting_of_the_process_is_refused_before_training(
    digits_run: RunConfig, runner: Runner
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a process that runs behind others

    try:
        with pytest.raises(ContractError, match="leave what SIGINT does as it is"):
            runner.check(with_changes(digits_run, {"model": Foreign(way="deaf"), "growths": ()}))

        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_model_that_fits_is_accepted(digits_run: RunConfig, runner: Runner) -> None:
    check_model(digits_run, runner.data(digits_run))


def test_a_model_is_looked_at_before_its_growths(digits_run: RunConfig, runner: Runner) -> None:
    with pytest.raises(SpecError, match=r"its module 'hidden\.0\.linear'"):
        runner.check(with_changes(digits_run, {"model.inputs": 65}))
