"""The golden run: a refactoring that changes its losses is not a refactoring.

The trace was stored when the run was first trained. It is compared within rounding, since another processor may add in
another order; any other batch, initial value, mask of dropout or learning rate changes the losses far more.
`python -m pytest tests/integration/test_golden.py --golden` stores a new one, for a change that is meant.
"""

import json
from pathlib import Path

import pytest

from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, OldParameters
from harness.models import MLP
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW
from harness.training.schedules import Cosine

TRACE = Path(__file__).with_name("golden.json")
RUN = RunConfig(
    task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
    model=MLP(inputs=64, widths=(16, 8), dropout=0.2),
    training=TrainingConfig(
        optimizer=AdamW(lr=5e-3), schedule=Cosine(steps=40, warm_up=3), batch_size=32, clip_norm=1.0, evaluate_every=10
    ),
    growths=(
        GrowthRule(
            trigger=AtStep(step=15),
            operation=AttachHead(name="late", outputs=4, tap="hidden.0", width=5, dropout=0.1),
            freeze=OldParameters(),
            loss_weight=0.5,
        ),
    ),
    steps=30,
    device="cpu",
    precision="fp32",
)


def test_the_golden_run_gives_its_losses(runner: Runner, request: pytest.FixtureRequest) -> None:
    history = runner.run(RUN).history

    found = {name: [history[name].steps, history[name].values] for name in history if "loss" in name}

    if request.config.getoption("--golden"):
        TRACE.write_text(json.dumps(found, indent=1) + "\n")
    golden = json.loads(TRACE.read_text())
    assert list(found) == list(golden)
    for name, (steps, values) in golden.items():
        assert found[name][0] == steps
        assert found[name][1] == pytest.approx(values, rel=1e-4, abs=1e-6), name
