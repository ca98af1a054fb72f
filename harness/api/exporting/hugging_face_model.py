"""A grown network as a model of Hugging Face's transformers."""

from pathlib import Path
from typing import Any, Self

from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from harness.api.network_folder import CODE, load_network
from harness.models import GrowableModel

__all__ = ["GrownNetwork", "GrownNetworkConfig"]


class GrownNetworkConfig(PretrainedConfig):
    """Says that the folder holds such a network; how it is built stands in `network.json`."""

    model_type = "harness"


class GrownNetwork(PreTrainedModel):
    """Calls the network; its outputs have their names. `network` can be trained, grown and saved by harness."""

    config_class = GrownNetworkConfig

    def __init__(self, config: GrownNetworkConfig, network: GrowableModel) -> None:
        super().__init__(config)
        self.network = network

    @classmethod
    def from_pretrained(cls, folder: str | Path, *_: Any, config: Any = None, **__: Any) -> Self:
        """Return the network in `folder`; further arguments of transformers change nothing.

        The file with its classes is executed, if there is one, as `trust_remote_code` allows.
        """
        code = Path(folder) / CODE
        network = load_network(folder, code=code if code.is_file() else None)
        return cls(config or GrownNetworkConfig.from_pretrained(folder), network)

    def forward(self, *args: Tensor, **kwargs: Tensor) -> ModelOutput:
        """Return the outputs by name."""
        # A network that takes no names gets its inputs as one mapping, as in training.
        return ModelOutput(self.network(*args, **kwargs) if args else self.network(kwargs))
