"""Python, the packages that harness needs, and those that some studies need."""

import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import harness
from harness.diagnosis.finding import Finding

__all__ = ["EXTRAS", "TOOLS", "look_at_software"]

EXTRAS = {
    "bench": "compare the training loop with Lightning's",
    "metrics": "metrics of torchmetrics",
    "onnx": "networks exported to ONNX, and compared with its runtime",
    "minilm": "the sentence encoder of two examples",
    "optuna-dashboard": "Optuna's pages over the configurations of a study",
    "postgres": "one database for many machines",
    "ray": "workers that a cluster places",
    "tensorboard": "runs shown in TensorBoard",
    "transformers": "pretrained networks and their tokenizers",
    "trainers": "growing in the loops of Lightning, Accelerate and transformers",
    "wandb": "runs shown in Weights & Biases",
}
TOOLS = {
    "git": (("git",), "runs say at which commit they were trained"),
    "C++ compiler": (("c++", "g++", "clang++"), "TrainingConfig(compile=True)"),
}


def look_at_software() -> Iterator[Finding]:
    """Yield what is installed and what is not: harness, Python, required packages, extras, tools."""
    where = Path(harness.__file__).parent
    yield Finding("harness", f"{harness.__version__} in {where}")
    try:
        about = metadata("harness")
    except PackageNotFoundError:
        yield Finding("python", platform.python_version())
        yield Finding("packages", "not known, since harness was not installed by pip", "missing", "pip install .")
        return
    yield _python(SpecifierSet(about["Requires-Python"]))
    requirements = [Requirement(text) for text in about.get_all("Requires-Dist") or ()]
    yield from _required([one for one in requirements if one.marker is None])
    for extra, purpose in EXTRAS.items():
        own = [one for one in requirements if one.marker and one.marker.evaluate({"extra": extra})]
        yield _extra(extra, purpose, own)
    for tool, (names, purpose) in TOOLS.items():
        yield _tool(tool, names, purpose)


def _python(supported: SpecifierSet) -> Finding:
    found = platform.python_version()
    says = f"{found} in {sys.prefix}"
    if supported.contains(found, prereleases=True):
        return Finding("python", says)
    return Finding("python", says, "wrong", f"make a virtual environment of a Python {supported}")


def _required(requirements: list[Requirement]) -> Iterator[Finding]:
    for one in requirements:
        found = _version(one.name)
        if found and one.specifier.contains(found, prereleases=True):
            yield Finding(one.name, found)
        elif found:  # such as a newer torch, which is its user's decision
            yield Finding(one.name, f"{found}, and harness was tested with {one.specifier}", "missing", _install([one]))
        else:
            yield Finding(one.name, "not installed", "wrong", _install([one]))


def _extra(extra: str, purpose: str, requirements: list[Requirement]) -> Finding:
    versions = {one.name: _version(one.name) for one in requirements}
    lacking = [one for one in requirements if not one.specifier.contains(versions[one.name] or "0", prereleases=True)]
    subject = f"harness[{extra}]"
    if lacking:
        return Finding(subject, f"not installed: {purpose}", "missing", _install(lacking))
    return Finding(subject, ", ".join(f"{name} {found}" for name, found in versions.items()))


def _tool(tool: str, names: tuple[str, ...], purpose: str) -> Finding:
    found = next(filter(None, map(shutil.which, names)), None)
    if found:
        return Finding(tool, found)
    return Finding(tool, f"not installed: {purpose}", "missing", f"apt-get install {'g++' if 'C++' in tool else tool}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _install(requirements: list[Requirement]) -> str:
    named = [f"{one.name}{_extras_of(one)}{one.specifier}" for one in requirements]
    return f"pip install {shlex.join(named)}"


def _extras_of(requirement: Requirement) -> str:
    return f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
