"""The model card: what the network is, where it comes from, how good it is, and how it is loaded."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

import harness
from harness.api.exporting._base import AbstractFormat, FinalNetwork
from harness.api.exporting.card_preprocessing import input_rows, prediction_rows, preprocessing_words
from harness.core.spec import flatten
from harness.data.preprocessing import RawRows, RawTexts

__all__ = ["model_card"]

Rows = Iterable[Sequence[object]]


def model_card(network: FinalNetwork, format_: AbstractFormat, deviation: float) -> str:
    """Return the card as Markdown.

    Args:
        network: that was written.
        format_: in which.
        deviation: the largest by which outputs of what was written differ from the network's.
    """
    record, config = network.record, network.config
    title = f"{record.study}, trial {record.trial}, {record.arm}, seed {record.seed}"
    parts = [
        f"---\nlibrary_name: harness\ntags: [growing-neural-networks]\n---\n\n# {title}",
        f"The network at the end of a run of {config.steps:,} updates, which grew {_times(len(network.lineage))}.",
        f"## Use\n\nIn this folder, with `pip install {_needs(network, format_)}`:\n\n"
        f"```python\n{format_.lines(network)}\npredictions = preprocessing.predictions(outputs)\n```",
        f"`outputs` has {', '.join(f'`{name}`' for name in network.outputs)} by name. For some test examples they were "
        f"compared with those of the run's network, and differ by at most {deviation:.1e}.",
        "## Inputs and outputs\n\n" + _table(("name", "type", "shape of an example"), _shapes(network)),
        *_preprocessing(network),
        "## Growths\n\n" + (_table(("step", "operation", "freeze policy", "parameters added"), _growths(network))),
        f"## Data\n\n`{config.task.kind}`\n\n```json\n{_json(config.task.to_json())}\n```",
        "## Metrics\n\n" + _table(("metric", "value"), sorted(_metrics(network))),
        "## Configuration\n\n" + _table(("field", "value"), _configuration(network)),
        "## Origin\n\n" + _table(("", ""), _origin(network)),
    ]
    return "\n\n".join(parts) + "\n"


def _needs(network: FinalNetwork, format_: AbstractFormat) -> str:
    return f"{format_.needs} tokenizers" if isinstance(network.preprocessing.raw, RawTexts) else format_.needs


def _preprocessing(network: FinalNetwork) -> Iterator[str]:
    """Yield how raw examples become inputs, and outputs predictions; `preprocessing.json` has all digits."""
    raw = network.preprocessing.raw
    yield f"## Preprocessing\n\n{preprocessing_words(raw, network.config.task.kind)}"
    if isinstance(raw, RawRows):
        yield _table(("column", "becomes", "if empty"), input_rows(raw))
    rows = prediction_rows(network.preprocessing.answers)
    yield "## Predictions\n\n" + _table(("prediction", "outputs", "of an example"), rows)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _shapes(network: FinalNetwork) -> Rows:
    def row(what: str, name: str, tensor: Tensor) -> tuple[str, str, str]:
        return f"{what} `{name}`", str(tensor.dtype).removeprefix("torch."), str(list(tensor.shape[1:]))

    yield from (row("input", name, tensor) for name, tensor in network.named_inputs.items())
    yield from (row("output", name, tensor) for name, tensor in network.outputs.items())
    for head, columns in network.config.task.classes.items():
        yield f"classes of `{head}` at the start", "", ", ".join(map(str, columns))


def _growths(network: FinalNetwork) -> Rows:
    for event, growth in zip(network.lineage, network.record.growths, strict=True):
        operation, policy = event["change"]["operation"], event["change"]["freeze"]
        yield event["step"], f"`{json.dumps(operation)}`", f"`{json.dumps(policy)}`", growth["parameters_added"]


def _metrics(network: FinalNetwork) -> Iterator[tuple[str, str]]:
    for name, value in network.record.metrics.items():
        yield f"`{name}`", f"{value:.6g}"


def _configuration(network: FinalNetwork) -> Rows:
    content = {name: part for name, part in network.config.to_json().items() if name not in ("task", "growths")}
    for path, value in flatten(content).items():
        yield f"`{path}`", f"`{json.dumps(value)}`"


def _origin(network: FinalNetwork) -> Rows:
    record = network.record
    yield "study", record.study
    yield "run", f"`{record.run_id}`"
    yield "searched values", f"`{json.dumps(record.params)}`"
    yield "git commit", f"`{record.commit}`" if record.commit else "not known"
    yield "parameters", f"{sum(parameter.numel() for parameter in network.model.parameters()):,}"
    yield "SHA-256 of the weights", f"`{hashlib.sha256(network.weights).hexdigest()}`"
    yield "written by", f"harness {harness.__version__}, torch {torch.__version__}"


def _table(head: Sequence[str], rows: Rows) -> str:
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if cells else "None."


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)
