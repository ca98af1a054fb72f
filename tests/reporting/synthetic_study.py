"""A synthetic study, with effects chosen by the test: its data in memory, or a home as it leaves one when finished."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.digest import digest
from harness.core.history import History
from harness.core.seed_layout import SeedLayout, seeds_of
from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.growth.freezing import WarmUpThenThaw
from harness.models import MLP
from harness.reporting.data.collect import assembled
from harness.reporting.data.columns import FROZEN_AFTER, FROZEN_BEFORE, SPEC_DIGEST, TEST_SET_ACCESSES
from harness.reporting.data.study_data import StudyData
from harness.search.designs import Paired
from harness.search.space import Choice, Float, Int
from harness.search.study import Study
from harness.staging.histories import METRICS_FILES, stage_folder
from harness.staging.ledger import Ledger, RunRecord, StageAddress, StudyOrigin, StudyRecord
from harness.staging.previous_specs import spec_digest
from harness.staging.run import RunConfig
from harness.staging.study_spec import StudySpec
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW
from tests.reporting.synthetic_history import EVERY, STEPS, ending, stage_history

Stages = tuple[tuple[StageAddress, History], ...]
INITS = ("xavier_uniform", "kaiming_normal", "orthogonal")
CHANGES: dict[str, dict[str, Any]] = {
    "frozen": {"growths.0.freeze": OldParameters()},
    "unfrozen": {"growths.0.freeze": NoFreezing()},
    "partly": {"growths.0.freeze": WarmUpThenThaw(steps=100)},
    "never": {"growths": ()},
}


@dataclass(frozen=True)
class SyntheticStudy:
    """A study whose unfrozen runs are `effect` more accurate than the frozen ones, give or take `between`."""

    name: str = "freeze-or-not"
    title: str = "Freeze or not"
    question: str = "When a digit classifier grows to new classes, should what it already knows stay frozen?"
    trials: int = 12
    seeds: int = 3
    effect: float = 0.012
    between: float = 0.01
    noise: float = 0.004
    smallest_effect: float = 0.005
    layout: SeedLayout = "own"
    failed: tuple[tuple[int, str, int], ...] = ()  # trial, arm and place of the seed
    missing: tuple[tuple[int, str, int], ...] = ()
    reason: str = "DivergedError: total is nan at step 225"
    arms: tuple[str, ...] = ("frozen", "unfrozen")
    where: tuple[str, ...] = ("hidden.0", "hidden.1", "hidden.2")
    never: tuple[str, ...] = ()  # arms that never grow
    growth_metrics: bool = False
    rich: bool = False  # whether all that is optional was recorded, too

    @property
    def compared(self) -> tuple[str, str]:
        """The second arm against the first."""
        frozen, unfrozen, *_ = self.arms
        return unfrozen, frozen

    def write(self, home: Path) -> Path:
        """Write the home and return it."""
        ledger = Ledger(home)
        ledger.create()
        ledger.save_study(self.record())
        for run, histories in self.runs():
            for address, history in histories:
                folder = stage_folder(home / "store", address)
                folder.mkdir(parents=True, exist_ok=True)
                for name, part in zip(METRICS_FILES, (history, ending(address, history)), strict=True):
                    (folder / name).write_bytes(part.to_bytes())
            ledger.save_run(run)
        return home

    def data(self) -> StudyData:
        """Return what `collect` reads from the home that `write` writes, without any home."""
        runs = sorted(self.runs(), key=lambda pair: pair[0].key)
        records = [run for run, _ in runs]
        histories = {
            run.run_id: [history.then(end) if run.opened_test else history for history, end in parts]
            for run, stages in runs
            for parts in [[(history, ending(address, history)) for address, history in stages]]
        }
        recorded: dict[str, list[Any]] = {
            FROZEN_BEFORE: [""] * len(runs),
            FROZEN_AFTER: [""] * len(runs),
            TEST_SET_ACCESSES: [int(run.opened_test) for run in records],
            SPEC_DIGEST: [run.spec_digest for run in records],
        }
        origin = StudyOrigin(self.name)
        return assembled(self.record(), records, histories, origin=origin, recorded=recorded)

    def record(self) -> StudyRecord:
        return StudyRecord(self.name, StudySpec(self.spec()), self.trials, self.seeds)

    def runs(self) -> Iterator[tuple[RunRecord, Stages]]:
        """Yield every run that has ended, with the histories of its stages."""
        for trial in range(self.trials):
            params, shift = self.params(trial), self.shift(trial)
            for arm in self.arms:
                for place in range(self.seeds):
                    if (trial, arm, place) not in self.missing:
                        yield self.run(trial, arm, place, params, shift)

    @cached_property
    def study(self) -> Study:
        """The study as a study file would have it."""
        growth = GrowthRule(
            trigger=AtStep(step=150),
            operation=AttachHead(name="late", outputs=4, tap=self.where[0]),
            freeze=NoFreezing(),
        )
        base = RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=MLP(inputs=64, widths=(64, 64, 64)),
            training=TrainingConfig(optimizer=AdamW(lr=0.003), batch_size=64, evaluate_every=EVERY),
            growths=(growth,),
            steps=STEPS,
            device="cpu",
            precision="bf16",
        )
        return Study(
            name=self.name,
            title=self.title,
            question=self.question,
            base=base,
            space={
                "when": Choice(field="growths.0.trigger.step", options=(150, 250, 325)),
                "where": Choice(field="growths.0.operation.tap", options=self.where),
                "width": Int(field="growths.0.operation.width", low=16, high=128, step=16),
                "init": Choice(field="growths.0.operation.init", options=INITS),
                "loss weight": Float(field="training.losses.classes.weight", low=0.01, high=10.0, log=True),
            },
            arms={arm: CHANGES.get(arm, {"growths.0.operation.tap": arm}) for arm in self.arms},
            comparison=self.compared,
            smallest_effect=self.smallest_effect,
            trials=max(self.trials, 1),
            seeds=max(self.seeds, 1),
            design=Paired(seeds=self.layout),
        )

    def spec(self) -> dict[str, Any]:
        return self.study.to_json()

    def config(self, params: Mapping[str, Any], arm: str, seed: int) -> dict[str, Any]:
        return self.study.config(params, arm, seed).to_json()

    def params(self, trial: int) -> dict[str, Any]:
        stream = np.random.default_rng([1, trial])
        return {
            "when": int(stream.choice([150, 250, 325])),
            "where": self.where[int(stream.integers(len(self.where)))],
            "width": int(16 * stream.integers(1, 9)),
            "init": str(stream.choice(INITS)),
            "loss weight": float(10 ** stream.uniform(-2, 1)),
        }

    def shift(self, trial: int) -> float:
        return self.effect + self.between * float(np.random.default_rng([2, trial]).normal())

    def run(self, trial: int, arm: str, place: int, params: dict[str, Any], shift: float) -> tuple[RunRecord, Stages]:
        """Return a run with the seed at `place` among those of its configuration; its noise follows from the place."""
        seed = seeds_of(self.layout, trial, self.seeds)[place]
        gain = shift if arm == self.compared[0] else 0.0
        at = params["when"] if arm not in self.never else STEPS
        before = self.history(trial, "", place, 0.0, range(at + 1), at)
        after = self.history(trial, arm, place, gain, range(at, STEPS + 1), at)
        trunk = StageAddress(digest([self.name, trial, seed]), at)
        end = StageAddress(digest([self.name, trial, seed, arm]), STEPS)
        if self.rich:
            self.record_more(before, arm, before=True)
            if arm not in self.never:
                self.record_more(after, arm, before=False)
        if (self.growth_metrics or self.rich) and arm not in self.never:
            self.record_growth(after, trial, at)
        stages = ((end, before),) if arm in self.never else ((trunk, before), (end, after))
        failed = (trial, arm, place) in self.failed
        config = self.config(params, arm, seed)
        record = RunRecord(
            study=self.name,
            trial=trial,
            arm=arm,
            seed=seed,
            run_id=digest(config)[:16],
            params=params,
            config=config,
            status="failed" if failed else "completed",
            reason=self.reason if failed else "",
            stages=tuple(address for address, _ in stages),
            growths=() if arm in self.never else ({"step": at, "parameters_added": params["width"] * 64 + 650},),
            metrics={} if failed else self.metrics(trial, arm, place, before, after, params),
            spec_digest=spec_digest(self.spec()),
        )
        return record, stages

    def metrics(
        self, trial: int, arm: str, seed: int, before: History, after: History, params: dict[str, Any]
    ) -> dict[str, float]:
        known_before, last = before.latest()["val/accuracy/known"], after.latest()
        wobble = self.noise * np.random.default_rng([3, trial, seed, len(arm)]).normal(size=3)
        frozen = arm == self.compared[1]
        results: dict[str, float] = {}
        for split, factor in (("val", 0.0), ("test", 1.0)):
            known, late = (
                last[f"val/accuracy/{head}"] + factor * wobble[i] for i, head in enumerate(("known", "late"))
            )
            results |= {
                f"{split}/accuracy/all": last["val/accuracy/all"] + factor * wobble[2],
                f"{split}/accuracy/known": known,
                f"{split}/accuracy/late": late,
                f"{split}/known_before_growth": known_before,
                f"{split}/known_after_growth": known,
                f"{split}/forgetting": known_before - known,
            }
        results |= {
            "cost/seconds": (9.0 if frozen else 12.5) + float(abs(wobble[0]) * 40),
            "cost/steps": float(STEPS),
            "growth/parameters_added": float(params["width"] * 64 + 650),
        }
        return {name: float(value) for name, value in results.items()}

    def history(self, trial: int, arm: str, seed: int, gain: float, steps: range, at: int) -> History:
        """Return what one stage recorded; the classes that came late are learned after the growth at step `at`."""
        frozen = arm == self.compared[1]
        return History().then(stage_history(trial, len(arm), seed, gain, steps, at, self.noise, frozen=frozen))

    def record_more(self, history: History, arm: str, *, before: bool) -> None:
        frozen = not before and arm == self.compared[1]
        steps = history["train/loss/total"].steps
        parts = ("known",) if before else ("known", "late")
        for step in steps:
            measured = {f"train/loss_weighted/{part}": 1.0 + place for place, part in enumerate(parts)}
            measured |= {"train/grad_norm": 1.0 + 50 / (step + 1), "train/skipped_steps": float(step % 10 == 0)}
            measured["train/loss_scale"] = 1024.0
            if not frozen:
                measured |= {f"train/trunk_norm/{part}": 0.5 for part in parts}
                measured |= {} if before else {"train/trunk_cosine/known.late": -0.25}
            history.record(step, measured)
        for step in history["val/accuracy/all"].steps:
            known = {f"val/accuracy_of_class/{label}": 0.9 - (0.1 if frozen else 0.0) for label in range(6)}
            history.record(step, known)
            if before:
                continue
            history.record(step, {f"val/accuracy_of_class/{label}": 0.8 for label in range(6, 10)})
            for label in range(10):
                late = 0.04 if label < 6 else 0.9
                history.record(step, {f"val/answered_by/{n}.{label}": abs(1 - n - late) for n in (0, 1)})
            moved = 0.0 if frozen else (step - history["val/accuracy/all"].steps[0]) / STEPS
            for layer in ("hidden.0", "hidden.1", "output"):
                history.record(step, {f"drift/cka/{layer}": 1 - moved, f"drift/change/{layer}": moved})
                history.record(step, {f"drift/probe/{layer}": 0.75})

    def record_growth(self, history: History, trial: int, at: int) -> None:
        change = 0.1 * float(np.random.default_rng([6, trial]).random())
        measured = {"parameters_added": 100.0, "logit_change": change, "flops_added": 2000.0}
        measured |= {"known_loss_before": 0.3, "known_loss_after": 0.3 + change}
        history.record(at, {f"growth/{name}": value for name, value in measured.items()})
