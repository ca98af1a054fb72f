"""What a report was written with; nothing in it names a person, a machine or a folder."""

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import harness

__all__ = ["RENDERING", "environment", "environment_differences"]

# What decides the bytes of a report that is written from given data.
RENDERING = (
    *("contourpy", "jinja2", "markupsafe", "matplotlib", "numpy", "pandas", "pillow"),
    *("pyarrow", "scikit-learn", "scipy"),
)
TRAINING = ("mlflow", "optuna", "pydantic", "safetensors", "sqlalchemy", "torch")
PACKAGE = Path(harness.__file__).parent
SHIPPED = PACKAGE / "studies"  # which a wheel has, and a checkout has elsewhere
NO_TEXT = "not installed"
DIGEST_CHARACTERS = 12  # of a digest, where it is only told from another


def environment() -> dict[str, Any]:
    """Return Python, package versions, the class of the machine, and the digest of this package's code."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "harness": harness.__version__,
        "code_sha256": _code_digest(),
        "packages": {name: _version(name) for name in sorted((*RENDERING, *TRAINING))},
    }


def environment_differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Say in what two environments differ, one entry a thing; order and case of names do not matter."""
    flat = [_flat(found) for found in (one, other)]
    return [
        f"{name} {_brief(name, flat[0])} and {_brief(name, flat[1])}"
        for name in sorted({*flat[0], *flat[1]})
        if flat[0].get(name) != flat[1].get(name)
    ]


def _brief(name: str, flat: dict[str, Any]) -> str:
    value = str(flat.get(name, "unknown"))
    return value[:DIGEST_CHARACTERS] if name.endswith("sha256") else value


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    packages = found.get("packages")
    rest = {name: value for name, value in found.items() if name != "packages"}
    return rest | (packages if isinstance(packages, dict) else {})


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return NO_TEXT


def _processor() -> str:
    """Return the processor's model, where the system says it; kernels, and so last bits, depend on it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


@cache
def _code_digest() -> str:
    """Return the SHA-256 over the package's sources, which also tells changes that no version does."""
    total = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in (".py", ".jinja", ".css") and not path.is_relative_to(SHIPPED):
            content = path.read_bytes()
            total.update(f"{path.relative_to(PACKAGE).as_posix()} {len(content)}\n".encode() + content)
    return total.hexdigest()
