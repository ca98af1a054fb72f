import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import harness
from harness.core.spec import LeafSpec

PACKAGE = Path(harness.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
FAMILIES = (
    "data",
    "data.augment",
    "growth.freezing",
    "growth.operations",
    "growth.triggers",
    "initializers",
    "losses",
    "models",
    "search.samplers",
    "training.memory",
)


def module_name(source: Path) -> str:
    parts = source.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


SOURCE_OF = {module_name(source): source for source in SOURCES}
MODULES = list(SOURCE_OF)


def exports(name: str) -> list[str]:
    return list(getattr(importlib.import_module(name), "__all__", []))


def as_ruff_sorts(name: str) -> tuple[int, str]:
    """Return the order of RUF022: constants, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


def leaves(package: ModuleType) -> set[str]:
    """Return the public members of the families whose abstract class is in `package._base`, that class included."""
    base = importlib.import_module(f"{package.__name__}._base")
    families = [value for value in vars(base).values() if inspect.isclass(value) and value.__module__ == base.__name__]
    found = [family for family in families if issubclass(family, LeafSpec)]
    for family in found:
        found.extend(family.__subclasses__())
    own = [leaf for leaf in found if leaf.__module__.startswith(package.__name__)]
    return {leaf.__name__ for leaf in own if not leaf.__name__.startswith("_")}


def own_lists(name: str) -> list[list[str]]:
    """Return the lists that a module writes into its `__all__`; what it takes over from another's is not among them."""
    values = [
        node.value
        for node in ast.parse(SOURCE_OF[name].read_text()).body
        for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
        if isinstance(node, ast.Assign | ast.AugAssign) and isinstance(target, ast.Name) and target.id == "__all__"
    ]
    return [ast.literal_eval(value) for value in values if isinstance(value, ast.List)]


def test_exports_are_sorted_and_listed_once() -> None:
    unsorted = {
        name: names for name in MODULES for names in own_lists(name) if names != sorted(names, key=as_ruff_sorts)
    }

    assert unsorted == {}
    assert [name for name in MODULES if len(set(exports(name))) < len(exports(name))] == []


def test_exports_exist() -> None:
    missing = [
        f"{name}.{export}"
        for name in MODULES
        for export in exports(name)
        if not hasattr(importlib.import_module(name), export)
    ]

    assert missing == []


def has_code(source: Path) -> bool:
    """Return whether a module has more than a text and names such as `__version__`."""
    for node in ast.parse(source.read_text()).body:
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        targets = node.targets if isinstance(node, ast.Assign) else []
        special = any(isinstance(target, ast.Name) and target.id.startswith("__") for target in targets)
        if not text and not special:
            return True
    return False


def test_every_module_with_code_and_no_other_says_what_it_exports() -> None:
    differing = [module_name(source) for source in SOURCES if has_code(source) != bool(exports(module_name(source)))]

    assert differing == []


def test_a_family_exports_exactly_its_leaves() -> None:
    for name in MODULES:
        importlib.import_module(name)  # a leaf is known once its module is loaded
    families = {family: importlib.import_module(f"harness.{family}") for family in FAMILIES}

    exported = {family: exported_leaves(package) for family, package in families.items()}

    assert exported == {family: leaves(package) for family, package in families.items()}


def exported_leaves(package: ModuleType) -> set[str]:
    """Return the leaves that a package exports under their own names, not under earlier ones."""
    found = {name: getattr(package, name) for name in exports(package.__name__)}
    return {name for name, value in found.items() if is_leaf(value) and value.__name__ == name}


def is_leaf(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, LeafSpec)


def imports(source: Path) -> Iterator[tuple[str, str]]:
    """Yield module and name of what a source imports from this package."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "harness":
            for alias in node.names:
                yield node.module, alias.name


def test_only_what_is_exported_is_imported_elsewhere() -> None:
    hidden = [
        f"{module_name(source)} imports {name} of {module}"
        for source in SOURCES
        for module, name in imports(source)
        if name not in [*exports(module), "*"] and f"{module}.{name}" not in MODULES
    ]

    assert hidden == []


def test_what_is_looked_for_in_harness_and_lies_in_growth_is_said_to_be_there() -> None:
    for name in ("grow", "refreeze", "WidenHead", "Probe"):
        with pytest.raises(ImportError, match=f"from harness.growth import {name}"):
            getattr(harness, name)
    assert set(vars(harness)["_GROWING"]) == {name for name in exports("harness.growth") if name.islower()}
    assert not hasattr(harness, "growths")
    assert not hasattr(harness, "Growths")
