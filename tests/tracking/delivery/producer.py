"""A study without training: three runs whose numbers are known, shown while they go on. Killed, it can begin again.

`python producer.py HOME PLACE PAUSE_S`; the place is a URI of MLflow, or trackers like `csv+wandb`, or `-` for none.
"""

import sys
import time
from pathlib import Path
from typing import Any

from harness.core.history import History
from harness.staging.histories import METRICS_FILES, stage_folder
from harness.staging.ledger import Ledger, RunRecord, StageAddress, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace
from harness.tracking.delivery.destination import Destination, destinations_of
from harness.tracking.delivery.process import Delivery, start_delivery
from harness.tracking.live.feed import LiveFeed

PARTS, STEPS = 10, 25
SPEC: dict[str, Any] = {"title": "", "question": "", "space": {}, "arms": {"a": {}}, "metric": "accuracy/all"}
STUDY = StudyRecord("study", StudySpec({**SPEC, "name": "study"}), trials=3, seeds=1)


def whole_history(trial: int, parts: int = PARTS) -> History:
    """Return what a run measures."""
    history = History()
    for step in range(1, parts * STEPS + 1):
        history.record(step, {f"train/loss/{name}": trial + step / 7 for name in ("total", "known", "late")})
        history.record(step, {"train/grad_norm": 1 / step})
        if step % STEPS == 0:
            history.record(step, {"val/accuracy/all": step / 1000})
            history.record(step, {"val/accuracy/all": step / 1000})
    return history


def run_one(home: Path, feed: LiveFeed, trial: int, pause_s: float) -> None:
    record = RunRecord("study", trial, "a", 0, f"run{trial}", {}, {}, "completed")
    reported: dict[str, int] = {}
    history = History()
    feed.begin(record)
    for part in range(1, PARTS + 1):
        time.sleep(pause_s)
        whole = whole_history(trial, part)
        for name in whole:
            start = len(history[name].steps) if name in history else 0
            for step, value in zip(whole[name].steps[start:], whole[name].values[start:], strict=True):
                history.record(step, {name: value})
        feed.append(record.run_id, history.since(reported))
    address = StageAddress(f"{trial:064d}", PARTS * STEPS)
    folder = stage_folder(home / "store", address)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(METRICS_FILES, (history, History()), strict=True):
        (folder / name).write_bytes(content.to_bytes())
    ended = {**vars(record), "stages": (address,), "metrics": {"cost/seconds": 1.0, "cost/steps": 250.0}}
    Ledger(home).save_run(RunRecord(**ended))
    feed.end(record.run_id)


def destinations(home: Path, place: str) -> tuple[Destination, ...]:
    """Return where the study is shown."""
    if ":" in place:
        return destinations_of([], place, home, "all")
    return destinations_of(place.split("+"), None, home, "all")


def main(home: Path, uri: str, pause_s: float) -> None:
    ledger = Ledger(home)
    ledger.create()
    ledger.save_study(STUDY)
    shown: Delivery | None = None
    if uri != "-":
        shown = start_delivery(destinations(home, uri), Workspace(home), STUDY.name, system_metrics=True)
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    ended = {run.trial for run in ledger.runs("study")}
    for trial in range(STUDY.trials):
        if trial not in ended:
            run_one(home, LiveFeed(home), trial, pause_s)
    sys.stdout.write(f"{shown.finish() if shown else ''}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
