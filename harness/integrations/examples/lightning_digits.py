"""A LightningModule that grows by rules: six digits are known, four come late, and a hidden layer widens on a plateau.

`python -m harness.integrations.examples.lightning_digits FOLDER`
"""

import sys
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from harness.growth import AtStep, GrowthRule, NoFreezing, WidenHead, WidenLayer
from harness.growth.triggers import AtEpoch
from harness.integrations.examples.plain_loop import digits
from harness.integrations.lightning import GrowthCallback, restore

__all__ = ["GrowingDigits", "rules", "trainer"]


class GrowingDigits(LightningModule):
    """Classifies digits, of which it sees those that it has outputs for."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1))
        self.fc: Any = nn.Linear(32, 6)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits `[B, C]` for images `[B, 64]`."""
        logits: Tensor = self.fc(self.trunk(images))
        return logits

    def training_step(self, batch: list[Tensor], _index: int) -> Tensor:
        """Return the loss."""
        images, labels = batch
        seen = labels < self.fc.out_features
        return nn.functional.cross_entropy(self(images[seen]), labels[seen])

    def configure_optimizers(self) -> Any:
        """Return an optimizer with a schedule by steps."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + 0.01 * step))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Grow before values are loaded, also without a trainer: `GrowingDigits.load_from_checkpoint(path)`."""
        restore(self, checkpoint)


def rules(step: int = 60) -> list[GrowthRule]:
    """Return rules by which a head and a hidden layer grow."""
    return [
        GrowthRule(trigger=AtStep(step=step), operation=WidenHead(path="fc", to=10), freeze=NoFreezing()),
        GrowthRule(trigger=AtEpoch(epoch=1), operation=WidenLayer(path="trunk.0", by=16), freeze=NoFreezing()),
    ]


def loader() -> DataLoader[tuple[Tensor, ...]]:
    """Return batches of all digits."""
    return DataLoader(TensorDataset(*digits()), batch_size=64, shuffle=True)


def trainer(folder: Path, epochs: int, *callbacks: Any, **settings: Any) -> Trainer:
    """Return a quiet trainer on the CPU that trains `epochs` epochs."""
    return Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        default_root_dir=folder,
        callbacks=list(callbacks),
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )


if __name__ == "__main__":
    training = trainer(Path(sys.argv[1]), 6, GrowthCallback(rules()))
    training.fit(GrowingDigits(), loader())
    training.save_checkpoint(Path(sys.argv[1]) / "last.ckpt")
