"""Any network of Hugging Face's transformers, its head replaced by one of ours."""

import inspect
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeFloat
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.core.model_folder import MINILM, ModelFolder
from harness.models._base import AbstractModel
from harness.models.call import call
from harness.models.features import check_features, first_of
from harness.models.pooling import Pool, mask_in, pooled

__all__ = ["PooledNetwork", "Pretrained"]

MASK = "attention_mask"


class Pretrained(AbstractModel):
    """A network from a folder or an installed package, whose last hidden state is pooled and read by an output layer.

    It needs `pip install 'harness[transformers]'`. Nothing is downloaded, no pickle is read, and no code that lies in
    the folder is run. Of a network with an encoder and a decoder the encoder is taken.

    Taps: `encoder` gives `[B, F]`, pooled; the network's own modules are `encoder.network.<path>`, such as
    `encoder.network.encoder.layer.5` of BERT. Freeze policies use the same paths: `UpToTap(tap="encoder")`,
    `AllButLast(blocks="encoder.network.encoder.layer", count=2)`.

    Attributes:
        files: where it lies.
        pool: what becomes one row of features: the mean over real positions, or the first (`[CLS]`) or the last.
        dropout: of these features, in training.
        trained: whether it is trained; else it stands still from the start to the end, whatever policies say.
        values: as they were trained, or drawn anew, to see what that training is worth.
    """

    kind: Literal["pretrained"] = "pretrained"
    files: ModelFolder = MINILM
    pool: Pool = "mean"
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0
    trained: bool = True
    values: Literal["pretrained", "drawn"] = "pretrained"

    def build(self, outputs: int) -> nn.Module:
        """Return the network: what a tokenizer or an image processor returns, to `[B, outputs]`.

        Raises:
            DataError: there is no such folder, or it has other bytes.
            SpecError: transformers is not installed, or cannot make a network of what is in the folder.
        """
        network = _without_head(_read(self.files.checked(), drawn=self.values == "drawn"))
        encoder = PooledNetwork(network, self.pool, trained=self.trained)
        layers: OrderedDict[str, nn.Module] = OrderedDict(encoder=encoder)
        if self.dropout:
            layers["dropout"] = nn.Dropout(self.dropout)
        layers["output"] = nn.Linear(_width(network), outputs)
        return nn.Sequential(layers).train()


class PooledNetwork(nn.Module):
    """A network of transformers, and the pooling of its last hidden state."""

    def __init__(self, network: nn.Module, pool: Pool, *, trained: bool = True) -> None:
        super().__init__()
        self.network, self.pool, self.trained = network.requires_grad_(trained), pool, trained

    def forward(self, batch: Any) -> Tensor:
        """Map a batch, a tensor or tensors by name, to `[B, F]`."""
        features = check_features(first_of(call(self.network, batch)), "at the end of the network", SpecError)
        return pooled(features, self.pool, mask=mask_in(batch, MASK) if isinstance(batch, Mapping) else None)

    def train(self, mode: bool = True) -> "PooledNetwork":
        """Set the mode; a network that is not trained stays in eval mode, where dropout does not draw."""
        return super().train(mode and self.trained)


def _read(folder: Path, *, drawn: bool) -> Any:
    try:
        from transformers import AutoConfig, AutoModel
    except ImportError:
        raise SpecError(
            "expected transformers for a pretrained network, found none; pip install 'harness[transformers]'"
        ) from None
    try:
        with _quietly():
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            if drawn:
                return AutoModel.from_config(config, dtype=torch.float32)
            return AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise SpecError(
            f"expected a network that transformers can read in {folder}, found none: {reason:.200}"
        ) from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Let transformers write neither bars nor reports of heads that are left out."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _without_head(network: Any) -> nn.Module:
    """Return the encoder, without a pooling that nothing reads and that would never be trained."""
    encoder = network.get_encoder() if network.config.is_encoder_decoder else network
    if "add_pooling_layer" in inspect.signature(type(encoder).__init__).parameters:
        encoder.pooler = None
    return encoder  # type: ignore[no-any-return]


def _width(network: Any) -> int:
    """Return the number of features of the last hidden state."""
    config = network.config
    sizes = [getattr(config, name, None) for name in ("hidden_size", "hidden_sizes", "d_model")]
    width = next((size for size in sizes if size), None)
    if width is None:
        raise SpecError(f"expected a network whose config says its hidden size, found {type(config).__name__}")
    return int(width[-1] if isinstance(width, list | tuple) else width)
