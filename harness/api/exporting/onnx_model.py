"""A model of ONNX, which other runtimes and languages read."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import final

import torch
from torch import Tensor

from harness.api.exporting._base import AbstractFormat, FinalNetwork, input_lines
from harness.api.exporting.torch_program import exported_program
from harness.core.errors import InputError

__all__ = ["OnnxModel"]

FILE = "network.onnx"


@final
class OnnxModel(AbstractFormat):
    """What `torch.onnx` makes of the exported program."""

    needs = "numpy onnxruntime"

    def write(self, network: FinalNetwork, folder: Path) -> None:
        """Write `network.onnx`."""
        program = exported_program(network)
        try:
            with _quiet():
                made = torch.onnx.export(
                    program,
                    input_names=list(network.named_inputs),
                    output_names=list(network.outputs),
                    dynamo=True,
                    verbose=False,
                )
        except ImportError as error:
            raise InputError(
                f"expected {error.name or 'onnxscript'} to be installed for --to onnx; pip install 'harness[onnx]'"
            ) from None
        assert made is not None  # it was made from a program
        made.save(folder / FILE)

    def lines(self, network: FinalNetwork) -> str:
        """Return how it is loaded."""
        inputs = input_lines(network, "numpy")
        named = '{"inputs": inputs}' if isinstance(network.inputs, Tensor) else "inputs"
        return f"""import numpy, onnxruntime
from preprocessing import load_preprocessing

session, preprocessing = onnxruntime.InferenceSession("{FILE}"), load_preprocessing(".")
inputs = {inputs}
outputs = dict(zip([output.name for output in session.get_outputs()], session.run(None, {named})))"""

    def outputs(self, network: FinalNetwork, folder: Path) -> Mapping[str, Tensor]:
        """Load it by onnxruntime and call it.

        Raises:
            InputError: onnxruntime is not installed.
        """
        try:
            import onnxruntime
        except ImportError:
            raise InputError(
                "expected onnxruntime to be installed, by which an ONNX model is compared; pip install 'harness[onnx]'"
            ) from None
        session = onnxruntime.InferenceSession(folder / FILE)
        inputs = {name: tensor.numpy() for name, tensor in network.named_inputs.items()}
        names = [output.name for output in session.get_outputs()]
        return {name: torch.from_numpy(value) for name, value in zip(names, session.run(None, inputs), strict=True)}


@contextmanager
def _quiet() -> Iterator[None]:
    """Let torch not speak of libraries that are not there and of its own changes to come."""
    logs = {log: log.level for log in map(logging.getLogger, ("torch.onnx", "onnxscript"))}
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in logs.items():
            log.setLevel(level)
