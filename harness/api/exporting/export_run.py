"""Exporting the network of a run."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch

from harness.api.exporting._base import AbstractFormat, FinalNetwork
from harness.api.exporting.card import model_card
from harness.api.exporting.final_network import final_network
from harness.api.exporting.hugging_face import HuggingFace
from harness.api.exporting.onnx_model import OnnxModel
from harness.api.exporting.preprocessing_files import write_preprocessing
from harness.api.exporting.torch_program import TorchProgram
from harness.api.exporting.weights_file import WeightsFile
from harness.api.named_run import named_run
from harness.api.workspaces import workspace_at
from harness.core.errors import HarnessError, InputError
from harness.core.spec import did_you_mean

__all__ = ["FORMATS", "export"]

FORMATS: Mapping[str, AbstractFormat] = {
    "torch": TorchProgram(),
    "safetensors": WeightsFile(),
    "onnx": OnnxModel(),
    "hf": HuggingFace(),
}
CARD = "README.md"
MOST = 1e-3  # by which outputs may differ, in units of the largest


def export(
    run: str,
    folder: str | Path,
    *,
    to: str = "torch",
    home: str | Path | None = None,
    storage: str | None = None,
    store: str | Path | None = None,
) -> Path:
    """Write the network that a run ended with into `folder`, with a model card whose lines load it; return the card.

    What is written is loaded once more and compared with the network on test examples.

    Args:
        run: its id or the beginning of that, or STUDY/TRIAL/ARM/SEED.
        folder: made if it is not there; it must be empty.
        to: `torch`, a program that needs no class; `safetensors`, for `harness.load_network`; `onnx`; or `hf`, a folder
            for transformers.
        home: the folder of all that was run; else `HARNESS_HOME`, else `runs` here.
        storage: as for `run`, as is `store`.
        store: see `storage`.

    Raises:
        InputError: there is no such run or format, the folder is not empty, or the network cannot be written so.
        HarnessError: what was written answers otherwise.
    """
    if to not in FORMATS:
        raise InputError(f"no format {to!r}.{did_you_mean(to, FORMATS)}")
    out = Path(folder)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"expected no folder at {out}, or an empty one, found something; name another")
    workspace = workspace_at(home, storage, store)
    network = final_network(workspace, named_run(workspace.ledger, run))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as made:
            inner = Path(made) / "network"
            inner.mkdir()
            _write(network, FORMATS[to], inner)
            inner.replace(out)
    except OSError as error:
        raise InputError(f"cannot write the network to {out} ({error.strerror}); name another folder") from error
    return out / CARD


def _write(network: FinalNetwork, format_: AbstractFormat, folder: Path) -> None:
    format_.write(network, folder)
    write_preprocessing(network.preprocessing, folder)
    deviation = _deviation(network, format_.outputs(network, folder))
    (folder / CARD).write_text(model_card(network, format_, deviation), encoding="utf-8")


def _deviation(network: FinalNetwork, outputs: Mapping[str, torch.Tensor]) -> float:
    """Return the largest absolute difference of `outputs` from the network's.

    Raises:
        HarnessError: they differ by more than rounding.
    """
    largest = 0.0
    for name, expected in network.outputs.items():
        found = outputs[name].to(expected.dtype)
        apart = float((found - expected).abs().max()) if found.shape == expected.shape else float("inf")
        if not apart <= MOST * max(1.0, float(expected.abs().max())):
            raise HarnessError(f"expected the written network to answer as the run's, found {name!r} {apart:.2g} apart")
        largest = max(largest, apart)
    return largest
