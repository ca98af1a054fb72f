"""Weights as safetensors, beside the specs from which `harness.load_network` builds the network."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import final

import torch
from torch import Tensor

from harness.api.exporting._base import AbstractFormat, FinalNetwork, input_lines
from harness.api.network_folder import CODE, NETWORK, load_network
from harness.core.errors import InputError

__all__ = ["WeightsFile", "write_network"]

WEIGHTS = "weights.safetensors"


@final
class WeightsFile(AbstractFormat):
    """The network as it can be trained and grown further. The weights are those that MLflow has, byte for byte."""

    needs = "harness"

    def write(self, network: FinalNetwork, folder: Path) -> None:
        """Write `weights.safetensors`, `network.json`, and the study's file if it defines classes of the network."""
        write_network(network, folder)

    def lines(self, network: FinalNetwork) -> str:
        """Return how it is loaded."""
        code = f', code="{CODE}"' if network.modules else ""
        return f"""import harness, torch

network, preprocessing = harness.load_network("."{code}), harness.load_preprocessing(".")
inputs = {input_lines(network)}
outputs = network(inputs)"""

    def outputs(self, network: FinalNetwork, folder: Path) -> Mapping[str, Tensor]:
        """Load it and call it."""
        with torch.no_grad():
            answered: Mapping[str, Tensor] = load_network(folder)(network.inputs)
        return answered


def write_network(network: FinalNetwork, folder: Path, weights: str = WEIGHTS) -> None:
    """Write what `load_network` reads, the weights into the file `weights`."""
    content = {
        "weights": weights,
        "config": network.config.to_json(),
        "lineage": network.lineage,
        "data": network.sketch,
    }
    (folder / NETWORK).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / weights).write_bytes(network.weights)
    if code := _code(network):
        shutil.copyfile(code, folder / CODE)


def _code(network: FinalNetwork) -> Path | None:
    """Return the file that defines classes of the network; None if all are of this package.

    Raises:
        InputError: they are in no file, or in several.
    """
    files = [getattr(sys.modules[name], "__file__", None) for name in network.modules]
    if files and (len(files) > 1 or not files[0]):
        raise InputError(
            f"expected one file with all classes of the network, found them in {', '.join(network.modules)}; export it "
            "with --to torch or --to onnx, which need no class"
        )
    return Path(files[0]) if files and files[0] else None
