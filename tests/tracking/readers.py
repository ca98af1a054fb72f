"""What each tracker shows, read by other means than it was written, in one form."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.tracking import Place
from harness.tracking.content.finals import FINAL

Values = dict[str, list[tuple[int, float]]]


@dataclass
class Shown:
    """A run as a tracker shows it."""

    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    points: Values = field(default_factory=dict)
    finals: dict[str, float] = field(default_factory=dict)


Read = Callable[[Place, str], dict[str, Shown]]


def in_mlflow(place: Place, study: str) -> dict[str, Shown]:
    from harness.tracking.mlflow.client import MlflowClient

    client = MlflowClient(place.uri)
    experiment = client.get_experiment_by_name(study)
    runs = client.search_runs([experiment.experiment_id], "tags.arm LIKE '%'") if experiment else []
    shown = {}
    for run in runs:
        points = {
            key: sorted((point.step, point.value) for point in client.get_metric_history(run.info.run_id, key))
            for key in run.data.metrics
        }
        assert run.info.run_name not in shown
        tags = {key: text for key, text in run.data.tags.items() if not key.startswith("mlflow.")}
        shown[str(run.info.run_name)] = _shown(run.data.params, tags, points)
    return shown


def in_csv(place: Place, study: str) -> dict[str, Shown]:
    folder, shown = Path(place.uri, study), {}
    with (folder / "runs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        points: Values = {}
        with (folder / "curves" / f"{row['run']}.csv").open(newline="") as file:
            for line in csv.DictReader(file):
                points.setdefault(line["metric"], []).append((int(line["step"]), float(line["value"])))
        finals = {name: float(text) for name, text in row.items() if name.startswith(f"{FINAL}/") and text}
        assert row["run"] not in shown
        shown[row["run"]] = Shown(
            _below("params/", row), _below("tags/", row), {key: sorted(points[key]) for key in points}, finals
        )
    assert len([*(folder / "curves").iterdir()]) == len(rows)
    return shown


def in_tensorboard(place: Place, study: str) -> dict[str, Shown]:
    shown = {}
    for folder in sorted(Path(place.uri, study).iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            points: Values = {}
            texts: dict[str, str] = {}
            for event in (event for file in folder.glob("*tfevents*") for event in _events(file)):
                for value in event.summary.value:
                    if value.metadata.plugin_data.plugin_name == "scalars":
                        points.setdefault(value.tag, []).append((event.step, _number(value.tensor)))
                    elif value.metadata.plugin_data.plugin_name == "text":
                        texts[value.tag] = value.tensor.string_val[0].decode()
            tables = {name: _cells(text) for name, text in texts.items()}
            shown[folder.name] = _shown(tables["params"], tables["tags"], {key: sorted(points[key]) for key in points})
    return shown


def in_wandb(place: Place, study: str) -> dict[str, Shown]:
    """Read the folders in the order in which `wandb sync` would send them: equal ids are one run."""
    from harness.tracking.wandb.log_file import records

    shown = {}
    for file in sorted(Path(place.uri, study, "wandb").glob("offline-run-*/*.wandb")):
        points: Values = {}
        config, finals, name, failed = dict[str, Any](), dict[str, float](), "", None
        for record in records(file):
            if record.WhichOneof("record_type") == "run":
                name = record.run.display_name
                config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
            for item in record.summary.update:
                if item.key.startswith(f"{FINAL}/") or (item.nested_key and item.nested_key[0].startswith(FINAL)):
                    finals[item.key or item.nested_key[0]] = json.loads(item.value_json)
            row = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
            for key, value in row.items():
                if not key.startswith("_") and key != "step":
                    points.setdefault(key, []).append((row["step"], value))
            failed = record.exit.exit_code if record.WhichOneof("record_type") == "exit" else failed
        assert name not in shown
        tags = config.pop("tags", {})
        if "arm" in tags:
            assert failed is not None  # the run is whole
            params = {key: _text(value) for key, value in config.items() if not key.startswith("_")}
            shown[name] = Shown(params, tags, {key: sorted(points[key]) for key in points}, finals)
    return shown


def as_shown(kind: str, value: float) -> float:
    """Return a number as precisely as a tracker shows it."""
    return float(np.float32(value)) if kind == "tensorboard" else value


READERS: dict[str, Read] = {
    "csv": in_csv,
    "mlflow": in_mlflow,
    "tensorboard": in_tensorboard,
    "wandb": in_wandb,
}


def _shown(params: dict[str, str], tags: dict[str, str], points: Values) -> Shown:
    finals = {key: pairs[-1][1] for key, pairs in points.items() if key.startswith(f"{FINAL}/")}
    return Shown(params, tags, {key: pairs for key, pairs in points.items() if key not in finals}, finals)


def _below(prefix: str, row: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): text for name, text in row.items() if name.startswith(prefix) and text}


def _cells(table: str) -> dict[str, str]:
    rows = [line.removeprefix("| ").removesuffix(" |").split(" | ", 1) for line in table.splitlines()[2:]]
    return {name: text.replace("\\|", "|") for name, text in rows} if table.startswith("| | |") else {}


def _number(tensor: Any) -> float:
    """Return what TensorBoard shows of a point: it passes over all that is not in single precision."""
    from tensorboard.compat.proto.types_pb2 import DT_FLOAT

    assert tensor.dtype == DT_FLOAT
    return float(tensor.float_val[0])


def _events(file: Path) -> Iterator[Any]:
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    return iter(LegacyEventFileLoader(str(file)).Load())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
