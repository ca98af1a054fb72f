"""Training a run of a report again, to verify it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.cli import options
from harness.core.errors import HarnessError
from harness.core.spec import explain
from harness.reporting.verification.rerun import Retrained
from harness.search.find import STUDY_FILE, find_study, study_folders
from harness.search.load import load_study
from harness.staging.retrain import retrain
from harness.staging.run import RunConfig
from harness.training.determinism import make_deterministic

__all__ = ["trainer"]


def trainer(report: Path, study: str) -> Callable[[dict[str, Any], Mapping[str, int], bool], Retrained]:
    """Return a function that trains a recorded configuration; it raises `ValueError` if that cannot be done here.

    The file of `study`, or else of the study that the report names, is loaded for the parts that it may define.

    Raises:
        StudyNotFoundError: there is no `study`.
    """
    _load_parts(report, study)
    make_deterministic()

    def train(config: dict[str, Any], signals: Mapping[str, int], test: bool) -> Retrained:
        try:
            again = retrain(RunConfig.model_validate(config), signals, options.data_folder(), test=test)
        except ValidationError as error:
            raise ValueError(f"{explain(error)}; say --study FILE if the study defines parts of its own") from None
        except HarnessError as error:
            raise ValueError(str(error)) from None
        return Retrained(again.stages, hashlib.sha256(again.snapshot).hexdigest())

    return train


def _load_parts(report: Path, study: str) -> None:
    if study:
        load_study(find_study(study))
        return
    source = str(json.loads((report / "study.json").read_text())["called"]["source"])
    # A name alone: a report must not say which file of this machine is executed.
    if source in (known := study_folders()):
        load_study(known[source] / STUDY_FILE)
