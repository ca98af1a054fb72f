"""The commands that make a report's runs and the report itself anew."""

import shlex

from harness.reporting.data.instruction_sets import were_pinned
from harness.reporting.data.study_data import StudyData

__all__ = ["commands", "script"]


def commands(data: StudyData) -> list[str]:
    """Return the command lines, with everything that was different from the study's file."""
    study, origin = data.study, data.origin
    base = study.spec.base
    run = [origin.source]
    for change in origin.changes:
        run += ["--set", change]
    for option in ("device", "precision"):
        run += [f"--{option}", str(base[option])] if option in base else []
    run += ["--trials", str(study.trials), "--seeds", str(study.seeds)]
    run += [] if origin.source == study.name else ["--as", study.name]
    # The points of a study that was registered follow from its registration, which another home does not have.
    points = study.spec.points
    pinned = ["--portable"] if were_pinned(data.runs) else []
    return [
        *([shlex.join(["harness", "register", *run, "--points", points])] if points else []),
        shlex.join(["harness", "run", *run, *pinned]),
        shlex.join(["harness", "report", study.name, "--out", study.name]),
        shlex.join(["harness", "verify", study.name]),
    ]


def script(data: StudyData) -> bytes:
    """Return `reproduce.sh`."""
    lines = [
        "#!/bin/sh",
        "# Trains every run of the study, writes its report into a folder of its name, and verifies that.",
        "# Call it where the folder studies/ lies. Versions of Python and packages: environment.json.",
        "set -eu",
        *commands(data),
    ]
    return ("\n".join(lines) + "\n").encode()
