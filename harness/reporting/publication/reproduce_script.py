"""The commands that make a report's runs and the report itself anew."""

import shlex

from harness.reporting.data.instruction_sets import were_pinned
from harness.reporting.data.study_data import StudyData

__all__ = ["commands", "script"]


def commands(data: StudyData) -> list[str]:
    """Return the command lines, with everything that was different from the study's file.

    A study that Python code made is run by that code, so there is no command for it.
    """
    last = [
        shlex.join(["harness", "report", data.study.name, "--out", data.study.name]),
        shlex.join(["harness", "verify", data.study.name]),
    ]
    return [*_running(data), *last] if data.origin.source else last


def _running(data: StudyData) -> list[str]:
    study, origin = data.study, data.origin
    base = study.spec.base
    run = [origin.source]
    for change in origin.changes:
        run += ["--set", change]
    for option in ("device", "precision"):
        run += [f"--{option}", str(base[option])] if option in base else []
    named = [] if origin.source == study.name else ["--as", study.name]
    planned, registered = _sizes(study.trials, study.seeds), _sizes(*_registered(data))
    # The points of a study that was registered follow from its registration, which another home does not have.
    points = study.spec.points
    pinned = ["--portable"] if were_pinned(data.runs) else []
    return [
        *([shlex.join(["harness", "register", *run, *registered, *named, "--points", points])] if points else []),
        shlex.join(["harness", "run", *run, *planned, *named, *pinned]),
    ]


def _sizes(trials: int, seeds: int) -> list[str]:
    return ["--trials", str(trials), "--seeds", str(seeds)]


def _registered(data: StudyData) -> tuple[int, int]:
    """Return how many configurations and seeds were registered, or else are planned."""
    registration = data.ledger.registration if data.ledger else None
    content = registration.content if registration else {}
    return int(content.get("trials", data.study.trials)), int(content.get("seeds", data.study.seeds))


def script(data: StudyData) -> bytes:
    """Return `reproduce.sh`."""
    lines = [
        "#!/bin/sh",
        "# Trains every run of the study, writes its report into a folder of its name, and verifies that.",
        "# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.",
        *([] if data.origin.source else ["# The study was made by Python code: run that first, in this folder."]),
        "set -eu",
        *commands(data),
    ]
    return ("\n".join(lines) + "\n").encode()
