"""The study of `late_digits` as one script, without anything of this project: what a user would write instead.

PyTorch trains, Optuna proposes and keeps the trials in SQLite, MLflow gets every series of every run in large batches,
and a small report with one figure is written at the end. Everything that costs time is as a competent user would have
it: one thread, the fused optimizer, one transfer of all measurements between two evaluations.
"""

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import get_total_norm

__all__ = ["Network", "evaluate", "main", "report", "run", "search"]

STEPS, EVERY, BATCH, SEEDS, KNOWN = 1200, 25, 64, 3, 6
ARMS = ("frozen", "unfrozen")
BATCH_POINTS = 1000  # the most that MLflow takes in one call

Part = tuple[Tensor, Tensor]
Points = list[tuple[str, float, int]]


class Network(nn.Module):
    """Two hidden layers, a head of six classes, and later one of four more that reads a hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1)) for _ in range(2))
        self.known = nn.Linear(64, KNOWN)
        self.late: nn.Module | None = None
        self.tap = 0

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits of all heads `[B, 6 or 10]`."""
        features = [inputs]
        for layer in self.hidden:
            features.append(layer(features[-1]))
        known: Tensor = self.known(features[-1])
        return known if self.late is None else torch.cat([known, self.late(features[1 + self.tap])], dim=1)

    def grow(self, params: dict[str, Any]) -> None:
        """Attach the head of the late classes."""
        width, self.tap = params["width"], params["tap"]
        first = nn.Linear(64, width or 4)
        self.late = nn.Sequential(first, nn.ReLU(), nn.Linear(width, 4)) if width else first
        for layer in self.late.modules():
            if isinstance(layer, nn.Linear):
                INITIALIZERS[params["init"]](layer.weight)
                nn.init.zeros_(layer.bias)


INITIALIZERS: dict[str, Any] = {
    "xavier_uniform": nn.init.xavier_uniform_,
    "kaiming_normal": nn.init.kaiming_normal_,
    "orthogonal": nn.init.orthogonal_,
    "truncated_normal": lambda weight: nn.init.trunc_normal_(weight, std=0.02),
}


def load() -> list[Part]:
    """Return the training, the validation and the test part."""
    images, labels = load_digits(return_X_y=True)
    inputs, classes = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)
    train, rest = train_test_split(np.arange(len(classes)), train_size=0.5, stratify=labels, random_state=0)
    validation, test = train_test_split(rest, train_size=0.4, stratify=labels[rest], random_state=0)
    return [(inputs[part], classes[part]) for part in (train, validation, test)]


def batches(indices: Tensor, seed: int, phase: int) -> Iterator[tuple[int, Tensor]]:
    """Yield epoch and indices of each batch, without end."""
    epoch = 0
    while True:
        generator = torch.Generator().manual_seed((seed * 2 + phase) * 10_000 + epoch)
        order = indices[torch.randperm(len(indices), generator=generator)]
        yield from ((epoch, batch) for batch in order.split(BATCH) if len(batch) == BATCH)
        epoch += 1


def losses(logits: Tensor, labels: Tensor, weight: float) -> dict[str, Tensor]:
    """Return the loss of each head over its own classes, its weighted form, and the total."""
    if logits.shape[1] == KNOWN:
        known = functional.cross_entropy(logits, labels)
        return {"loss/known": known, "loss_weighted/known": known, "loss/total": known}
    every, old = functional.cross_entropy(logits, labels, reduction="none"), labels < KNOWN
    known, late = ((every * own).sum() / own.sum().clamp(min=1) for own in (old, ~old))
    weighted = {"loss_weighted/known": known, "loss_weighted/late": late * weight}
    return {"loss/known": known, "loss/late": late, **weighted, "loss/total": known + late * weight}


@torch.no_grad()
def evaluate(network: Network, part: Part, weight: float) -> dict[str, float]:
    """Return losses and accuracies on a part, in one transfer."""
    inputs, labels = part
    network.eval()
    logits = network(inputs)
    network.train()
    seen, right, old = labels < logits.shape[1], logits.argmax(dim=1) == labels, labels < KNOWN
    found = losses(logits[seen], labels[seen], weight)
    found |= {"accuracy/all": right.double().mean(), "accuracy/known": right[old].double().mean()}
    if network.late is not None:
        found["accuracy/late"] = right[~old].double().mean()
        own = logits[:, :KNOWN].argmax(dim=1), logits[:, KNOWN:].argmax(dim=1) + KNOWN
        found["accuracy_within/known"] = (own[0] == labels)[old].double().mean()
        found["accuracy_within/late"] = (own[1] == labels)[~old].double().mean()
    values = torch.stack([value.double() for value in found.values()]).tolist()
    return dict(zip(found, values, strict=True))


def train(
    network: Network, optimizer: torch.optim.Optimizer, parts: list[Part], weight: float, seed: int, steps: range
) -> Points:
    """Train over `steps` and return every measured point."""
    (inputs, labels), validation, _ = parts
    phase = int(network.late is not None)
    indices = torch.arange(len(labels)) if phase else (labels < KNOWN).nonzero().squeeze(1)
    order, points, kept = batches(indices, seed, phase), Points(), list[tuple[int, dict[str, Tensor]]]()
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    network.train()
    for step in steps:
        epoch, batch = next(order)
        optimizer.zero_grad(set_to_none=True)
        measured = losses(network(inputs[batch]), labels[batch], weight)
        measured["loss/total"].backward()
        measured["grad_norm"] = get_total_norm([one.grad for one in trained if one.grad is not None])
        optimizer.step()
        kept.append((step, {name: value.detach() for name, value in measured.items()}))
        points.append(("train/epoch", epoch, step))
        points += [(f"train/lr/group_{n}", group["lr"], step) for n, group in enumerate(optimizer.param_groups)]
        if step % EVERY == 0:
            points += fetched(kept)
            points += [(f"val/{name}", value, step) for name, value in evaluate(network, validation, weight).items()]
            kept = []
    return points + fetched(kept)


def fetched(kept: list[tuple[int, dict[str, Tensor]]]) -> Points:
    """Return the measurements of steps as numbers."""
    if not kept:
        return []
    values = iter(torch.stack([value for _, measured in kept for value in measured.values()]).tolist())
    return [(f"train/{name}", next(values), step) for step, measured in kept for name in measured]


def run(parts: list[Part], params: dict[str, Any], arm: str, seed: int) -> tuple[dict[str, float], Points]:
    """Train one run from the beginning; return its test metrics and its points."""
    torch.manual_seed(seed)
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, fused=True)
    points = train(network, optimizer, parts, 1.0, seed, range(1, params["when"] + 1))
    if arm == "frozen":
        network.requires_grad_(False)
        optimizer.zero_grad(set_to_none=True)
    network.grow(params)
    assert network.late is not None
    optimizer.add_param_group({"params": list(network.late.parameters())})
    points += train(network, optimizer, parts, params["weight"], seed, range(params["when"] + 1, STEPS + 1))
    return evaluate(network, parts[2], params["weight"]), points


def shown(home: Path, params: dict[str, Any], arm: str, seed: int, metrics: dict[str, float], points: Points) -> None:
    """Show a run in MLflow."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client, now = MlflowClient(f"sqlite:///{home}/mlflow.db"), int(time.time() * 1000)
    experiment = client.get_experiment_by_name("digits")
    number = experiment.experiment_id if experiment else client.create_experiment("digits")
    name = client.create_run(number, run_name=f"{arm}-{seed}", tags={"arm": arm}).info.run_id
    settings = {**params, "arm": arm, "seed": seed}
    client.log_batch(name, params=[Param(key, str(value)) for key, value in settings.items()])
    final = [(f"test/{metric}", value, STEPS) for metric, value in metrics.items()]
    entries = [Metric(key, value, now, step) for key, value, step in [*points, *final]]
    for start in range(0, len(entries), BATCH_POINTS):
        client.log_batch(name, metrics=entries[start : start + BATCH_POINTS])
    client.set_terminated(name)


def search(home: Path, trials: int, seeds: int, *, tracked: bool) -> None:
    """Run so many trials and write a row a run."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    parts, rows = load(), []

    def objective(trial: optuna.Trial) -> float:
        params = {
            "when": trial.suggest_int("when", 200, 800, step=200),
            "tap": trial.suggest_categorical("tap", [0, 1]),
            "width": trial.suggest_categorical("width", [0, 16, 64]),
            "init": trial.suggest_categorical("init", list(INITIALIZERS)),
            "weight": trial.suggest_float("weight", 0.25, 4, log=True),
        }
        scores = []
        for number in range(seeds):
            seed = 1000 * trial.number + number
            for arm in ARMS:
                metrics, points = run(parts, params, arm, seed)
                if tracked:
                    shown(home, params, arm, seed, metrics, points)
                rows.append({"trial": trial.number, "arm": arm, "seed": seed, **params, **metrics})
                scores.append(metrics["accuracy/all"])
        return float(np.mean(scores))

    opened(home).optimize(objective, n_trials=trials)
    pd.DataFrame(rows).to_csv(home / f"rows-{rows[0]['trial']}.csv")


def opened(home: Path) -> optuna.Study:
    """Open the Optuna study, or create it."""
    return optuna.create_study(
        storage=f"sqlite:///{home}/optuna.db",
        study_name="digits",
        load_if_exists=True,
        direction="maximize",
        sampler=optuna.samplers.QMCSampler(seed=0),
    )


def report(home: Path) -> str:
    """Write a figure and a table, and return the difference between the arms with its interval."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from scipy import stats

    rows = pd.concat([pd.read_csv(path) for path in home.glob("rows-*.csv")])
    means = rows.pivot_table(index="trial", columns="arm", values="accuracy/all")
    difference = (means["unfrozen"] - means["frozen"]).to_numpy()
    low, high = stats.t.interval(0.95, len(difference) - 1, difference.mean(), stats.sem(difference))
    _, axes = plt.subplots()
    axes.plot(np.sort(difference), range(len(difference)), "o")
    plt.savefig(home / "paired.png")
    rows.to_csv(home / "runs.csv")
    return f"unfrozen - frozen {100 * difference.mean():.2f} points, 95 % {100 * low:.2f} to {100 * high:.2f}"


def main() -> None:
    """Run the study in one process or in several, and write its report."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--home", type=Path, required=True)
    asked.add_argument("--tracked", action="store_true")
    asked.add_argument("--trials", type=int, default=12)
    asked.add_argument("--seeds", type=int, default=SEEDS)
    asked.add_argument("--processes", type=int, default=1)
    asked.add_argument("--child", action="store_true")
    given = asked.parse_args()
    given.home.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    others = []
    if given.processes > 1 and not given.child:
        opened(given.home)  # before two processes would
        command = [sys.executable, "-m", "harness.benchmarks.plain_study", *sys.argv[1:], "--child"]
        others = [subprocess.Popen(command) for _ in range(given.processes - 1)]
    search(given.home, given.trials // given.processes, given.seeds, tracked=given.tracked)
    if any(process.wait() for process in others):
        sys.exit(1)
    if not given.child:
        print(report(given.home))  # noqa: T201  # a script of its own


if __name__ == "__main__":
    main()
