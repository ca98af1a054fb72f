"""Training a run of a report again, to verify it."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.cli import options
from harness.core.errors import DivergedError, HarnessError, InputError
from harness.core.spec import explain
from harness.reporting.verification.rerun import Retrained
from harness.search.find import STUDY_FILE, find_study, study_folders
from harness.search.load import load_study
from harness.staging.retrain import retrain
from harness.staging.run import RunConfig
from harness.training.determinism import make_deterministic
from harness.training.machine import machine

__all__ = ["study_file", "trainer"]


Train = Callable[[dict[str, Any], Mapping[str, int], bool], Retrained]


def trainer(file: Path | None) -> Train:
    """Return a function that trains a recorded configuration; it raises `ValueError` if that cannot be done here.

    The study's `file`, if there is one, is executed for the parts that it may define.
    """
    if file:
        load_study(file)
    make_deterministic()

    def train(config: dict[str, Any], signals: Mapping[str, int], test: bool) -> Retrained:
        try:
            again = retrain(RunConfig.model_validate(config), signals, options.data_folder(), test=test)
        except ValidationError as error:
            raise ValueError(f"{explain(error)}; say --study FILE if the study defines parts of its own") from None
        except DivergedError as error:
            return Retrained(diverged=str(error))
        except HarnessError as error:
            raise ValueError(str(error)) from None
        weights = hashlib.sha256(again.snapshot).hexdigest()
        return Retrained(
            again.stages,
            weights,
            again.metrics,
            again.growths,
            tuple(again.frozen),
            machine=machine(config.get("device", "cpu")),
        )

    return train


def study_file(report: Path, source: str, study: str = "") -> Path | None:
    """Return the file whose code a rerun executes: that of `study`, or else of the study that was called `source`.

    Nothing that lies in the report's folder is ever executed, nor a path that the report names.

    Raises:
        StudyNotFoundError: there is no `study`.
        InputError: its file lies in the report's folder.
    """
    if study:
        file = find_study(study)
        if file.resolve().is_relative_to(report.resolve()):
            raise InputError(f"expected a study of your own, found {file} in the report's folder; name another file")
        return file
    # A name alone: a report must not say which file of this machine is executed.
    folder = study_folders().get(source)
    if folder is None or (folder / STUDY_FILE).resolve().is_relative_to(report.resolve()):
        return None
    return folder / STUDY_FILE
