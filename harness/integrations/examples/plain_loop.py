"""A loop of one's own: six digits are known, four come late; saved in the middle, it goes on as if nothing had been.

`python -m harness.integrations.examples.plain_loop FOLDER`
"""

import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from harness.growth import WidenHead, WidenLayer, consolidate, grow, load_grown, save_grown
from harness.growth.probe import Probe

__all__ = ["accuracy", "build", "digits", "network", "train"]

STEPS = 300


def digits() -> tuple[Tensor, Tensor]:
    """Return images `[1797, 64]` of handwritten digits, and which they are."""
    data = load_digits()
    return torch.tensor(data.data, dtype=torch.float32) / 16, torch.tensor(data.target)


def network() -> nn.Module:
    """Return a network for the first six digits."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 6))


def build() -> tuple[nn.Module, torch.optim.Optimizer, OneCycleLR]:
    """Return a network, and what trains it."""
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    return model, optimizer, OneCycleLR(optimizer, max_lr=0.01, total_steps=STEPS)


def train(folder: Path, until: int = STEPS) -> nn.Module:
    """Train up to the step `until`, from the beginning or from where `folder` was saved."""
    images, labels = digits()
    model, optimizer, scheduler = build()
    first = load_grown(folder, model, optimizer, scheduler=scheduler)["step"] if folder.exists() else 0
    for step in range(first, until):
        known = 10 if step >= 100 else 6
        if step == 100:  # four more rows: the six old logits are the same to the bit
            grow(model, optimizer, WidenHead(path="4", to=10), scheduler=scheduler, step=step)
        if step == 150:  # sixteen more hidden units
            wider, probe = WidenLayer(path="0", by=16), Probe(images[:64])
            grow(model, optimizer, wider, probe=probe, scheduler=scheduler, step=step)
        seen = torch.nonzero(labels < known).flatten()
        batch = seen[torch.randint(len(seen), (64,))]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model.train()(images[batch]), labels[batch]).backward()
        optimizer.step()
        scheduler.step()
    save_grown(folder, model, optimizer, scheduler=scheduler, extra={"step": until})
    return model


def accuracy(model: nn.Module) -> float:
    """Return the fraction of all digits that `model` knows."""
    images, labels = digits()
    with torch.no_grad():
        return float((model.eval()(images).argmax(dim=1) == labels).float().mean())


if __name__ == "__main__":
    trained = train(Path(sys.argv[1]))
    consolidate(trained)  # its state dict now fits the plain network with ten outputs
    sys.stdout.write(f"{accuracy(trained):.1%} of all digits\n")
