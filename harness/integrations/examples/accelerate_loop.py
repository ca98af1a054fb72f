"""A loop under Accelerate: six digits are known, four come late; `save_state` and `load_state` keep the growth.

`python -m harness.integrations.examples.accelerate_loop FOLDER`
"""

import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset

from harness.growth import WidenHead, grow
from harness.integrations.accelerate import keep_growth
from harness.integrations.examples.plain_loop import accuracy, digits, network

__all__ = ["run"]


def run(folder: Path, epochs: int = 4, grow_at: int = 2) -> nn.Module:
    """Train `epochs` more epochs, from the beginning or from where `folder` was saved; the head grows at one."""
    accelerator = Accelerator(cpu=True)
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scheduler = LambdaLR(optimizer, lambda step: 1 / (1 + 0.01 * step))
    loader = DataLoader(TensorDataset(*digits()), batch_size=64, shuffle=True)
    model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
    keep_growth(accelerator, model)
    if folder.exists():
        accelerator.load_state(str(folder))
    steps = scheduler.scheduler.last_epoch
    for epoch in range(steps // len(loader), steps // len(loader) + epochs):
        if epoch == grow_at:
            grow(model, optimizer, WidenHead(path="4", to=10), scheduler=scheduler)
        known = 10 if epoch >= grow_at else 6
        for images, labels in loader:
            seen = labels < known
            optimizer.zero_grad()
            accelerator.backward(nn.functional.cross_entropy(model(images[seen]), labels[seen]))
            optimizer.step()
            scheduler.step()
    accelerator.save_state(str(folder))
    trained: nn.Module = accelerator.unwrap_model(model)
    return trained


if __name__ == "__main__":
    sys.stdout.write(f"{accuracy(run(Path(sys.argv[1]))):.1%} of all digits\n")
