import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]
PLATEAU = "from harness.growth.triggers import Plateau"


def numbers(ended: Ended) -> dict[str, str]:
    """Return the lines of the summary, by what they speak of."""
    lines = [line.partition(":") for line in ended.stdout.splitlines() if ":  " in line]
    return {name: value.strip() for name, _, value in lines}


def test_the_plan_shows_what_is_shared_and_writes_nothing(call: Call, workplace: Path) -> None:
    ended = call("plan", "tiny", "--trials", "3", "--seeds", "2")

    assert ended.returncode == 0
    found = numbers(ended)
    assert found["steps, each run alone"] == "480"
    assert int(found["distinct steps"].split()[0]) < 480
    assert found["in the store already"] == "0"
    assert found["time, one worker"].endswith(" s")
    assert "12 runs in" in ended.stdout
    assert "from step 0, seed 2001: 2 runs to step" in ended.stdout
    assert "growth after step" in ended.stdout
    assert not (workplace / "runs").exists()


def test_what_was_run_is_known_to_be_stored(first_run: tuple[Path, Ended], call: Call) -> None:
    ended = call("plan", "tiny", "--home", str(first_run[0] / "runs"))

    found = numbers(ended)
    assert found["to be trained"] == "0"
    assert found["in the store already"] == found["distinct steps"].split()[0]
    assert "stored" in ended.stdout


def test_alone_nothing_is_shared(call: Call) -> None:
    found = numbers(call("plan", "tiny", "--no-share"))

    assert found["steps, each run alone"] == found["to be trained"] == "160"


def test_every_stage_can_be_shown(call: Call) -> None:
    ended = call("plan", "tiny", "--every")

    assert "trial 0 · frozen · seed 0: 1 run to step 40" in ended.stdout


def test_a_step_that_nobody_knows_is_called_so(call: Call, workplace: Path) -> None:
    study = workplace / "studies" / "tiny" / "study.py"
    text = study.read_text().replace("AtStep(step=20)", "Plateau(patience=1)")
    text = text.replace("import AtStep, ", "import ").replace("from harness.models", f"{PLATEAU}\nfrom harness.models")
    study.write_text(text.replace('{"when": Int(field="growths.0.trigger.step", low=10, high=30, step=10)}', "{}"))

    ended = call("plan", "tiny")

    assert "until a step not known yet, 40 at the latest" in ended.stdout
    assert numbers(ended)["to be trained"].startswith("at least ")


@pytest.mark.parametrize("arguments", [["nope"], ["tiny", "--set", "steps=0"], ["tiny", "--storage", "nonsense"]])
def test_what_cannot_be_run_cannot_be_planned(call: Call, arguments: list[str]) -> None:
    ended = call("plan", *arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1


def test_a_step_that_fails_while_its_time_is_measured_is_one_line(call: Call, workplace: Path) -> None:
    study = workplace / "studies" / "tiny" / "study.py"
    own = [
        "from typing import Literal",
        "from harness.losses import JointCrossEntropy",
        "STEPS = []",
        "class Late(JointCrossEntropy):",
        "    kind: Literal['late_fault'] = 'late_fault'",
        "    def components(self, name, batch):",
        "        STEPS.append(name)",
        "        return super().components(name, batch) if len(STEPS) < 20 else STEPS[99]",
    ]
    text = study.read_text().replace("evaluate_every=20", "evaluate_every=20, losses={'classes': Late()}")
    study.write_text(text.replace("def study()", "\n".join([*own, "", "", "def study()"])))

    ended = call("plan", "tiny")

    assert ended.returncode == 2
    assert ended.stderr == (
        "harness: one of the first steps of the base run fails with IndexError: list index out of range "
        "(studies/tiny/study.py, line 18)\n"
    )
