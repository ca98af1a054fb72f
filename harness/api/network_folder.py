"""A network in a folder: its weights, and the specs from which it is built, without any data."""

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file

from harness.core.errors import InputError
from harness.core.spec import explain
from harness.data.preprocessing import FILE, Preprocessing
from harness.data.preprocessing import load_preprocessing as load
from harness.growth import GrowthEvent, consolidate
from harness.growth.lineage import Effect, replay
from harness.models import GrowableModel
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.staging.stand_in_data import stand_in_data

__all__ = ["CODE", "NETWORK", "built_network", "load_network", "load_preprocessing"]

NETWORK = "network.json"
CODE = "study.py"  # beside it, if it defines classes of the network


def load_network(folder: str | Path, *, code: str | Path | None = None) -> GrowableModel:
    """Return the network that `harness export --to safetensors` wrote into `folder`: on the CPU, in eval mode.

    Args:
        folder: with `network.json` and the weights that it names.
        code: a Python file that defines classes of the network, which is executed unless they are known.

    Raises:
        InputError: the folder holds none, or one whose classes are not known here.
    """
    folder = Path(folder)
    try:
        content = json.loads((folder / NETWORK).read_text(encoding="utf-8"))
        tensors = load_file(folder / Path(content["weights"]).name)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(f"expected a network in {folder}, found {error}; write one with harness export") from None
    try:
        try:
            specs = _specs(content)
        except ValidationError:
            if code is None:
                raise
            _execute(Path(code))
            specs = _specs(content)
    except ValidationError as error:
        raise InputError(
            f"cannot build the network in {folder}: {explain(error)}; if a file defines its classes, name it with code="
        ) from None
    return built_network(*specs, content["data"], tensors)[0]


def load_preprocessing(folder: str | Path) -> Preprocessing:
    """Return how raw examples become inputs of the network in `folder`, and its outputs predictions.

    Raises:
        InputError: the folder does not say; one that harness 0.2 wrote does not.
    """
    try:
        return load(folder)
    except FileNotFoundError:
        raise InputError(
            f"expected {FILE} in {folder}, found none; harness export writes it beside a network"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"expected {FILE} in {folder}, found {error}; export the network again") from None


def _specs(content: Mapping[str, Any]) -> tuple[RunConfig, tuple[GrowthEvent, ...]]:
    lineage = tuple(GrowthEvent.model_validate(event) for event in content["lineage"])
    return RunConfig.model_validate(content["config"]), lineage


def built_network(
    config: RunConfig,
    lineage: tuple[GrowthEvent, ...],
    sketch: Mapping[str, Any],
    tensors: Mapping[str, torch.Tensor],
) -> tuple[GrowableModel, tuple[Effect, ...]]:
    """Return the network of a run after the growths of `lineage`, and what these did.

    Its tensors have the values of `tensors`, by their stable ids.

    Raises:
        InputError: they are not those of this network.
    """
    on_cpu = config.model_copy(update={"device": "cpu"})
    data = stand_in_data(sketch, config.task)
    model = build_network(on_cpu, data)
    identities, _, effects = replay(model, lineage, probe=lambda change: probe_for(change, data))
    own = identities.tensors()
    different = sorted(own.keys() ^ tensors.keys())
    if different or any(own[name].shape != tensors[name].shape for name in own):
        raise InputError(f"expected the tensors of this network, found others: {', '.join(different[:3]) or 'sizes'}")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(tensors[name])
    consolidate(model)
    return model.eval().requires_grad_(requires_grad=False), effects


def _execute(file: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"network_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise InputError(f"expected a Python file as code=, found {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where annotations of its classes are looked up
    spec.loader.exec_module(module)
