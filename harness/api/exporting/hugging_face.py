"""A folder for Hugging Face's transformers, of which `AutoModel` makes the network."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import final

import torch
from torch import Tensor

from harness.api.exporting._base import AbstractFormat, FinalNetwork, input_lines
from harness.api.exporting.weights_file import write_network
from harness.api.network_folder import load_network
from harness.core.errors import InputError

__all__ = ["HuggingFace"]

WEIGHTS, CODE = "model.safetensors", "modeling_harness.py"
MODULE = "harness.api.exporting.hugging_face_model"
CONFIG = {
    "architectures": ["GrownNetwork"],
    "auto_map": {"AutoConfig": "modeling_harness.GrownNetworkConfig", "AutoModel": "modeling_harness.GrownNetwork"},
    "model_type": "harness",
}


@final
class HuggingFace(AbstractFormat):
    """The same network as `safetensors`, with the files by which transformers finds it."""

    needs = "harness transformers"

    def write(self, network: FinalNetwork, folder: Path) -> None:
        """Write `model.safetensors`, `config.json`, and the code that transformers calls."""
        write_network(network, folder, weights=WEIGHTS)
        (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n", encoding="utf-8")
        (folder / CODE).write_text(f"from {MODULE} import GrownNetwork, GrownNetworkConfig  # noqa: F401\n")

    def lines(self, network: FinalNetwork) -> str:
        """Return how it is loaded."""
        call = "network(inputs)" if isinstance(network.inputs, Tensor) else "network(**inputs)"
        return f"""import harness, torch, transformers

preprocessing = harness.load_preprocessing(".")
network = transformers.AutoModel.from_pretrained(".", trust_remote_code=True)
inputs = {input_lines(network)}
outputs = {call}"""

    def outputs(self, network: FinalNetwork, folder: Path) -> Mapping[str, Tensor]:
        """Load it and call it.

        Raises:
            InputError: transformers is not installed.
        """
        try:
            from harness.api.exporting.hugging_face_model import GrownNetwork, GrownNetworkConfig
        except ImportError:
            raise InputError(
                "expected transformers to be installed for --to hf; pip install 'harness[transformers]'"
            ) from None
        loaded = GrownNetwork(GrownNetworkConfig(), load_network(folder))
        with torch.no_grad():
            return dict(loaded(network.inputs) if isinstance(network.inputs, Tensor) else loaded(**network.inputs))
