"""A program of torch: layers, weights and the order of computation in one file, which needs no class."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from harness.api.exporting._base import AbstractFormat, FinalNetwork, input_lines
from harness.core.errors import InputError

__all__ = ["TorchProgram", "exported_program"]

FILE = "network.pt2"


@final
class TorchProgram(AbstractFormat):
    """What `torch.export` makes of the network."""

    needs = "torch"

    def write(self, network: FinalNetwork, folder: Path) -> None:
        """Write `network.pt2`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.export.save(exported_program(network), folder / FILE)

    def lines(self, network: FinalNetwork) -> str:
        """Return how it is loaded."""
        return f"""import torch
from preprocessing import load_preprocessing

network, preprocessing = torch.export.load("{FILE}").module(), load_preprocessing(".")
inputs = {input_lines(network)}
outputs = network(inputs)"""

    def outputs(self, network: FinalNetwork, folder: Path) -> Mapping[str, Tensor]:
        """Load it and call it."""
        answered: Mapping[str, Tensor] = torch.export.load(folder / FILE).module()(network.inputs)
        return answered


def exported_program(network: FinalNetwork) -> torch.export.ExportedProgram:
    """Return the network as a program that takes any number of examples.

    Raises:
        InputError: torch cannot follow it.
    """
    batch = torch.export.Dim("batch", min=1)
    single = isinstance(network.inputs, Tensor)
    shapes = {0: batch} if single else {name: {0: batch} for name in network.inputs}
    try:
        return torch.export.export(_Called(network.model), (network.inputs,), dynamic_shapes=(shapes,), strict=False)
    except Exception as error:
        said = " ".join(str(error).split())
        raise InputError(
            f"expected a network that torch.export can follow, found {said:.200}; export it with --to safetensors"
        ) from error


class _Called(nn.Module):
    """Returns the outputs that are tensors, by name."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Any) -> dict[str, Tensor]:
        answered = self.model(inputs)
        return {name: value for name, value in answered.items() if isinstance(value, Tensor)}
