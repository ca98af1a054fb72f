"""Plant one fault after the other in a copy of the tree, and see whether the tests named beside it fail.

    python tests/faults/run.py [--only TEXT] [--jobs N] [--check]

Each fault is a slip that somebody could make: a snippet of the code, what it becomes, and the tests that must notice.
They lie in the TOML files beside this one, one file a package. The exit code is 0 if every fault was caught, 1 if one
was not, and 2 if the list does not fit the tree, or a test fails without any fault.
"""

import argparse
import ast
import multiprocessing
import os
import queue
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).parent
ROOT = LIST.parents[1]
FEWEST = 64
LIMIT_S = 600  # for the tests of one fault, which may hang
# Loaded once, by the process from which all others are forked; a test of a second would take five to load them.
LIBRARIES = ("matplotlib.figure", "optuna", "pandas", "pytest", "scipy.stats", "sqlalchemy", "torch")
FORKS = multiprocessing.get_context("forkserver")
LEFT_OUT = shutil.ignore_patterns(".git", ".*cache", "__pycache__", ".tox", ".venv", "*.egg-info", "reports", "runs")
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """A slip, and the tests that must notice it.

    Attributes:
        package: below `harness`, in whose list it stands.
        file: in which `before` is found exactly once, and becomes `after`.
        tests: files, or functions in them as pytest names them.
    """

    package: str
    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


def read_faults() -> list[Fault]:
    """Return the faults of all lists, by package."""
    lists = {path.stem: tomllib.loads(path.read_text())["fault"] for path in sorted(LIST.glob("*.toml"))}
    return [
        Fault(package, **{**fault, "tests": tuple(fault["tests"])})
        for package, faults in lists.items()
        for fault in faults
    ]


def problems(faults: Sequence[Fault]) -> Iterator[str]:
    """Yield a line for each way in which the list does not fit the tree."""
    packages = {path.parent.name for path in ROOT.glob("harness/*/__init__.py")}
    for package in sorted(packages - {fault.package for fault in faults}):
        yield f"expected faults of the package {package!r}, found none"
    if len(faults) < FEWEST or len({fault.name for fault in faults}) < len(faults):
        yield f"expected at least {FEWEST} faults of different names, found {len(faults)}"
    for fault in faults:
        path = ROOT / fault.file
        times = path.read_text().count(fault.before) if path.is_file() else 0
        if times != 1 or fault.before == fault.after or not fault.file.startswith(f"harness/{fault.package}/"):
            yield f"{fault.name!r}: expected its snippet once in {fault.file}, found it {times} times"
        for test in fault.tests:
            if not _exists(test):
                yield f"{fault.name!r}: no test {test}"


def _exists(test: str) -> bool:
    file, _, name = test.partition("::")
    path = ROOT / file
    if not path.is_file():
        return False
    functions = [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    return not name or name in functions


def caught_by(tree: Path, fault: Fault) -> str:
    """Plant a fault in the copy `tree`, and take it back; return the test that noticed, or nothing."""
    path = tree / fault.file
    sound = path.read_text()
    path.write_text(sound.replace(fault.before, fault.after))
    try:
        code, output = run_tests(tree, fault.tests, LIMIT_S)
    finally:
        path.write_text(sound)
    failed = FAILED.search(output)
    return failed[1] if code == 1 and failed else ""


def run_tests(tree: Path, tests: Sequence[str], limit_s: float | None = None) -> tuple[int | None, str]:
    """Return pytest's exit code and output, up to the first failure; no code if it did not end in time."""
    with tempfile.NamedTemporaryFile("r", prefix="faults-") as log:
        process = FORKS.Process(target=_pytest, args=(str(tree), log.name, tests))
        process.start()
        process.join(limit_s)
        code = process.exitcode
        if code is None:
            process.kill()
        return code, log.read()


def _pytest(tree: str, log: str, tests: Sequence[str]) -> None:
    """Run tests as `python -m pytest` would in the folder `tree`."""
    os.chdir(tree)
    sys.path.insert(0, tree)
    # Python knows compiled code by the second and the size of its source, and a fault may change neither.
    sys.dont_write_bytecode = True
    os.environ |= {"PYTHONPATH": tree, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "faults"}
    with open(log, "w") as output:  # noqa: PTH123
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    import pytest

    sys.exit(pytest.main(["-x", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", *tests]))


def campaign(faults: Sequence[Fault], jobs: int) -> Iterator[tuple[Fault, str]]:
    """Yield each fault with the test that caught it, or nothing; `jobs` are planted at the same time.

    Raises:
        SystemExit: a test fails without any fault, so its failure would prove nothing.
    """
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        trees = queue.SimpleQueue[Path]()
        for job in range(jobs):
            trees.put(shutil.copytree(ROOT, Path(folder) / str(job), ignore=LEFT_OUT))
        code, output = run_tests(Path(folder) / "0", sorted({test for fault in faults for test in fault.tests}))
        if code:
            failed = FAILED.search(output)
            raise SystemExit(_wrong(f"{failed[1] if failed else output.strip()[-200:]} fails without any fault"))

        def plant(fault: Fault) -> tuple[Fault, str]:
            tree = trees.get()
            try:
                return fault, caught_by(tree, fault)
            finally:
                trees.put(tree)

        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(plant, faults)


def _wrong(line: str) -> int:
    sys.stderr.write(f"faults: {line}\n")
    return 2


def main() -> int:
    """Run the campaign, or only check the list."""
    parser = argparse.ArgumentParser(description="Plant faults, and see whether the tests notice.")
    parser.add_argument("--only", default="", metavar="TEXT", help="faults with this in their name or package")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="faults planted at the same time")
    parser.add_argument("--check", action="store_true", help="only see whether the list fits the tree")
    chosen = parser.parse_args()
    faults = read_faults()
    if problem := next(problems(faults), None):
        return _wrong(problem)
    if chosen.check:
        return 0
    FORKS.set_forkserver_preload(list(LIBRARIES))
    faults = [fault for fault in faults if chosen.only in fault.name or chosen.only == fault.package]
    if not faults:
        return _wrong(f"no fault or package has {chosen.only!r} in its name")
    caught = 0
    for fault, test in campaign(faults, chosen.jobs):
        caught += bool(test)
        sys.stdout.write(f"{fault.package:<12} | {fault.name:<75} | {test or 'NOT CAUGHT'}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{caught} of {len(faults)} caught\n")
    return 0 if caught == len(faults) else 1


if __name__ == "__main__":
    sys.exit(main())
