"""The experiment harness for growing neural networks.

What scripts and notebooks use stands in `__all__`. Each is loaded when it is asked for, since the command line, which
loads this as well, answers at once.
"""

from importlib import import_module

__all__ = [
    "Observer",
    "Studies",
    "Study",
    "StudyResults",
    "export",
    "load_network",
    "load_preprocessing",
    "open",
    "open_report",
    "run",
]
__version__ = "0.2.0"

_MODULES = {
    "Observer": "harness.search.observer",
    "Studies": "harness.api.opening",
    "Study": "harness.search.study",
    "StudyResults": "harness.reporting.results.study_results",
    "export": "harness.api.exporting.export_run",
    "load_network": "harness.api.network_folder",
    "load_preprocessing": "harness.api.network_folder",
    "open": "harness.api.opening",
    "open_report": "harness.api.opening",
    "run": "harness.api.running",
}
# Of `harness.growth`; what begins with a capital is looked up there.
_GROWING = ("consolidate", "grow", "growth_state", "load_grown", "refreeze", "save_grown", "transfer")


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    growth = import_module("harness.growth") if name in _GROWING or not (name.islower() or name[:1] == "_") else None
    if name in getattr(growth, "__all__", ()):
        # No AttributeError: `from harness import ...` would put words of its own in place of these.
        raise ImportError(f"{name} is in harness.growth: from harness.growth import {name}")
    raise AttributeError(f"module 'harness' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
