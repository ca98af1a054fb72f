"""Networks, batches and optimizers that blocks of the page on growing begin with."""

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from tests.growth.networks import Block, hugging_face, text

__all__ = ["Images", "Layers", "WordPieces", "begin", "bert", "llama"]


class Layers(nn.Module):
    """Ten classes of `[B, 6]`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body, self.hidden = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.blocks = nn.Sequential(*(nn.Linear(8, 8) for _ in range(3)))
        self.encoder = nn.Linear(8, 8)
        self.fc = nn.Linear(8, 10)

    def forward(self, rows: Tensor) -> Tensor:
        features = self.blocks(self.body(self.stem(rows).relu()).relu())
        logits: Tensor = self.fc(self.hidden(self.encoder(features).relu()).relu())
        return logits


class Images(nn.Module):
    """Ten classes of `[B, 3, H, W]`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(3, 64, 3), nn.Conv2d(64, 8, 3), nn.Conv2d(8, 4, 3)
        self.layer2 = nn.Sequential(Block(), Block())
        self.fc1, self.fc = nn.Linear(4, 8), nn.Linear(8, 10)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.conv3(self.conv2(self.conv1(images).relu()).relu()).relu()
        logits: Tensor = self.fc(self.fc1(self.layer2(maps).mean(dim=(2, 3))).relu())
        return logits


class WordPieces:
    """A tokenizer that returns the same batch for all sentences."""

    def __call__(self, sentences: list[str], **settings: object) -> dict[str, Tensor]:  # noqa: ARG002
        return text()

    def __len__(self) -> int:
        return 14


def begin(model: nn.Module) -> tuple[nn.Module, Optimizer]:
    """Return a network and what trains it."""
    return model, AdamW([value for value in model.parameters() if value.requires_grad], lr=1e-3)


def bert() -> nn.Module:
    """Return a tiny BERT of three classes."""
    return hugging_face("BertForSequenceClassification", num_hidden_layers=4)()


def llama() -> nn.Module:
    """Return a tiny Llama."""
    return hugging_face("LlamaForCausalLM")()


def images(count: int = 6) -> Tensor:
    return torch.randn(count, 3, 12, 12, generator=torch.Generator().manual_seed(0))
