"""Publish what campaigns counted: `python -m tests.publish_figures FOLDER`, the folder that HARNESS_FIGURES named.

The figures of one kind are put together, each beside its target.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.benchmarks._base import Figure
from harness.benchmarks.saving import as_table, machine, save_json

KILLS, MOST_A_HOME = 300, 10
OUT = Path("reports/benchmarks/faults")
COMMAND = "HARNESS_FIGURES=DIR tox -e campaign && python -m tests.publish_figures DIR"
Counted = Sequence[Mapping[str, Any]]


def figures(counted: Counted) -> Iterator[Figure]:
    """Yield the figures of all campaigns."""
    kinds = {name: [one for one in counted if one["campaign"].startswith(f"{name}-")] for name in COUNTS}
    for name, count in COUNTS.items():
        if kinds[name]:
            yield from count(kinds[name])


def of_kills(counted: Counted) -> Iterator[Figure]:
    """Yield what came of SIGKILLs."""
    yield Figure.at_least("SIGKILLs", total(counted, "kills"), KILLS)
    for kind, kills in summed((f"{one['database']}, {one['processes']}", one["kills"]) for one in counted).items():
        yield Figure(f"SIGKILLs: {kind}", kills)
    for role, kills in summed(pair for one in counted for pair in one["killed"].items()).items():
        yield Figure(f"SIGKILLs of a {role}", kills)
    yield Figure("SIGKILLs: homes", total(counted, "homes"))
    yield Figure.at_most("SIGKILLs: most in a home", max(one["most"] for one in counted), MOST_A_HOME)
    yield Figure("SIGKILLs: runs", total(counted, "runs"))
    for what in ("lost", "twice", "stuck", "unequal"):
        title = {"unequal": "unequal to the bit"}.get(what, what)
        yield Figure.at_most(f"SIGKILLs: {title}", total(counted, what), 0)


def of_calls(counted: Counted) -> Iterator[Figure]:
    """Yield what came of faults in the n-th call to the system."""
    for one in counted:
        title = f"calls of {one['command']} that failed so: {one['fault']}"
        yield Figure(f"{title} (of {one['calls']})", one["tried"])
    yield Figure.at_most("calls after whose fault something was wrong", violations(counted), 0)


def of_power(counted: Counted) -> Iterator[Figure]:
    """Yield what came of losses of power."""
    for one in counted:
        yield Figure(f"states after a loss of power in {one['command']} (of {one['states']})", one["tried"])
    yield Figure.at_most("states after a loss of power in which something was wrong", violations(counted), 0)


def of_hosts(counted: Counted) -> Iterator[Figure]:
    """Yield what came of hosts that lost each other."""
    for one in counted:
        title = one["campaign"].replace("-", ": ", 1).replace("-", " ")
        for name in (name for name in one if name.endswith("_s")):
            yield Figure(f"{title}, {name.removesuffix('_s').replace('_', ' ')} (s)", round(one[name], 2))
    trained = [one for one in counted if "runs" in one]
    yield Figure("hosts: runs", total(trained, "runs"))
    for what in ("lost", "twice", "stuck", "unequal to the bit"):
        yield Figure.at_most(f"hosts: {what}", total(trained, what), 0)


def of_fuzzing(counted: Counted) -> Iterator[Figure]:
    """Yield what came of damaged contents."""
    for one in counted:
        yield Figure(f"damages read or refused in a line: {one['campaign'].removeprefix('fuzzing-')}", one["tried"])
    failed = sum(sum(one["failed"].values()) for one in counted)
    yield Figure.at_most("damages that raised, hung or filled the memory", failed, 0)


COUNTS = {"kills": of_kills, "power": of_power, "calls": of_calls, "hosts": of_hosts, "fuzzing": of_fuzzing}


def summed(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    """Return the sum for each name."""
    sums = Counter[str]()
    for name, count in pairs:
        sums[name] += count
    return sums


def total(counted: Counted, name: str) -> int:
    return sum(one[name] for one in counted)


def violations(counted: Counted) -> int:
    return sum(len(one["violations"]) for one in counted)


def publish(folder: Path, out: Path) -> None:
    """Write the figures of `folder` to `out`."""
    counted = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    found = list(figures(counted))
    out.mkdir(parents=True, exist_ok=True)
    rows = ["| " + " | ".join(row) + " |" for row in as_table(found)]
    lines = ["# Benchmark: faults", "", f"`{COMMAND}` on {machine()}.", ""]
    lines += ["| figure | value | target | met |", "| --- | ---: | --- | --- |", *rows, ""]
    (out / "README.md").write_text("\n".join(lines))
    save_json(found, out / "figures.json")


if __name__ == "__main__":
    publish(Path(sys.argv[1]), OUT)
