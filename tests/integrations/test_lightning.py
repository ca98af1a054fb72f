"""Growth under Lightning, whose import is paid once here."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, StochasticWeightAveraging

from harness.core.errors import SpecError
from harness.growth import growth_state
from harness.integrations.examples.lightning_digits import GrowingDigits, loader, rules, trainer
from harness.integrations.lightning import GrowthCallback

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("quiet")]


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR", logger="lightning.pytorch")


class Seen(Callback):
    """Keeps what training begins with."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.weights = {name: tensor.clone() for name, tensor in pl_module.state_dict().items()}
        self.moments = copy.deepcopy(trainer.optimizers[0].state_dict())
        self.rates = trainer.lr_scheduler_configs[0].scheduler.get_last_lr()


def fit(folder: Path, epochs: int, *callbacks: Callback, **settings: Any) -> tuple[GrowingDigits, Trainer]:
    torch.manual_seed(0)
    module = GrowingDigits()
    training = trainer(folder, epochs, GrowthCallback(rules(step=5)), *callbacks, limit_train_batches=4)
    training.fit(module, loader(), **settings)
    return module, training


def assert_equal(saved: Any, loaded: Any) -> None:
    if isinstance(saved, dict):
        assert saved.keys() == loaded.keys()
        for key in saved:
            assert_equal(saved[key], loaded[key])
    elif isinstance(saved, torch.Tensor):
        assert torch.equal(saved, loaded)
    else:
        assert saved == loaded


def test_a_module_grows_and_is_resumed_between_two_growths(tmp_path: Path) -> None:
    module, first = fit(tmp_path, 2, ModelCheckpoint(dirpath=tmp_path, save_last=True, save_top_k=0))
    assert module.fc.out_features == 10
    path, seen = tmp_path / "last.ckpt", Seen()

    again, training = fit(tmp_path, 4, seen, ckpt_path=path)

    assert_equal(module.state_dict(), seen.weights)
    assert_equal(first.optimizers[0].state_dict()["state"], seen.moments["state"])
    assert len(set(seen.rates)) == 1
    assert again.trunk[0].out_features == 48
    assert [event.step for event in growth_state(again).lineage] == [5, 9]
    assert training.global_step == 16
    assert "on_load_checkpoint" not in vars(again)


def test_a_checkpoint_is_loaded_without_a_trainer(tmp_path: Path) -> None:
    module, training = fit(tmp_path, 3)
    training.save_checkpoint(tmp_path / "last.ckpt")

    loaded = GrowingDigits.load_from_checkpoint(tmp_path / "last.ckpt")

    assert_equal(module.state_dict(), loaded.state_dict())


class ByHand(GrowingDigits):
    """Steps its optimizer itself."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False


def test_an_average_that_would_not_grow_is_refused(tmp_path: Path) -> None:
    training = trainer(tmp_path, 1, GrowthCallback(rules()), StochasticWeightAveraging(0.1), limit_train_batches=1)

    with pytest.raises(SpecError, match="StochasticWeightAveraging"):
        training.fit(GrowingDigits(), loader())


def test_manual_optimization_is_refused(tmp_path: Path) -> None:
    training = trainer(tmp_path, 1, GrowthCallback(rules()), limit_train_batches=1)

    with pytest.raises(SpecError, match="automatic optimization"):
        training.fit(ByHand(), loader())
