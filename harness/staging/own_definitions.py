"""What classes of one's own do, as code: their definitions and all other own ones that those name."""

import ast
import hashlib
import importlib.util
import linecache
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from harness.core.own_place import is_library
from harness.core.spec import LeafSpec, Spec
from harness.staging.own_modules import codes_of, is_plain, specs_in

__all__ = ["definitions_of", "is_own"]

Definition = tuple[str, str]  # a module, and a name that it defines
DOCUMENTED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
BLOCKS = (ast.If, ast.Try, ast.With)


def definitions_of(spec: Spec) -> dict[str, str]:
    """Return a digest for each kind in `spec` that is defined outside of this package.

    What counts is the definition of its class, and of functions, classes and constants of one's own that it names, in
    whatever module; comments, docstrings and formatting do not.
    """
    classes = {type(part) for part in specs_in(spec)}
    own = {cls for cls in classes if is_own(sys.modules.get(cls.__module__))}
    return {_kind(cls): _digest((cls.__module__, cls.__qualname__.partition(".")[0])) for cls in own}


def is_own(module: ModuleType | None) -> bool:
    """Return whether a module is neither of this package nor installed; a notebook is one's own, too."""
    if module is None or module.__name__.partition(".")[0] == "harness":
        return False
    file = getattr(module, "__file__", None)
    return not is_library(Path(file)) if file else module.__name__ == "__main__"


def _kind(cls: type[Spec]) -> str:
    return str(cls.model_fields["kind"].default) if issubclass(cls, LeafSpec) else cls.__name__


def _digest(first: Definition) -> str:
    modules: dict[str, _Module] = {}
    found: dict[Definition, str] = {}
    left = [first]
    while left:
        name, defined = definition = left.pop()
        if definition in found or not is_own(sys.modules.get(name)):
            continue
        module = modules.setdefault(name, _Module(sys.modules[name]))
        node = module.nodes.get(defined)
        found[definition] = ast.unparse(_Bare().visit(node)) if node else module.value_of(defined)
        left += module.named_in(node) if node else module.imported(defined)
    texts = sorted(f"{name}\n{text}" for (_, name), text in found.items() if text)
    return hashlib.sha256("\n\n".join(texts).encode()).hexdigest()


class _Module:
    """The definitions of a module, and where the names that it imports come from."""

    def __init__(self, module: ModuleType) -> None:
        self._name = module.__name__
        self._package = module.__package__ or ""
        trees = [ast.parse(source) for source in _sources(module)]
        self.nodes = {name: node for tree in trees for node in _in_block(tree.body) for name in _defined(node)}
        self._imports: dict[str, tuple[str, str]] = {}
        for node in (node for tree in trees for node in ast.walk(tree)):
            if isinstance(node, ast.Import):
                self._imports |= {each.asname or each.name.partition(".")[0]: _plain(each) for each in node.names}
            elif isinstance(node, ast.ImportFrom) and (source := self._absolute(node)):
                self._imports |= {each.asname or each.name: (source, each.name) for each in node.names}

    def named_in(self, node: ast.AST) -> Iterator[Definition]:
        """Yield what may be a definition and is named in `node`."""
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                yield self._name, part.id
            elif isinstance(part, ast.Attribute):
                yield from self._attribute(_dotted(part))

    def value_of(self, name: str) -> str:
        """Return a plain value that another cell of a notebook has given a name; nothing if there is none."""
        value = vars(sys.modules[self._name]).get(name)
        return repr(value) if value is not None and name not in self._imports and is_plain(value) else ""

    def imported(self, name: str) -> Iterator[Definition]:
        """Yield where a name that is not defined here is defined, if it is imported."""
        source, attribute = self._imports.get(name, ("", ""))
        if attribute:
            yield source, attribute

    def _attribute(self, dotted: list[str]) -> Iterator[Definition]:
        """Yield the definition that `module.name` means, also that of a module in a package."""
        source, attribute = self._imports.get(dotted[0], ("", "")) if dotted else ("", "")
        module = f"{source}.{attribute}" if attribute else source
        for name in dotted[1:]:
            if module in sys.modules and f"{module}.{name}" not in sys.modules:
                yield module, name
                return
            module = f"{module}.{name}"

    def _absolute(self, node: ast.ImportFrom) -> str:
        name = "." * node.level + (node.module or "")
        try:
            return importlib.util.resolve_name(name, self._package)
        except ImportError:
            return ""


class _Bare(ast.NodeTransformer):
    """Leaves out docstrings."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node


def _sources(module: ModuleType) -> list[str]:
    """Return the source of a module's file, or of the cells of a notebook that define what it has now."""
    if file := getattr(module, "__file__", None):
        return [Path(file).read_text(encoding="utf-8")]
    codes = [code for value in vars(module).values() for code in codes_of(value, module.__name__)]
    return sorted({"".join(linecache.getlines(code.co_filename)) for code in codes})


def _in_block(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, BLOCKS):
            yield from _in_block([*node.body, *getattr(node, "orelse", [])])
        else:
            yield node


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, DOCUMENTED):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]


def _plain(name: ast.alias) -> tuple[str, str]:
    return (name.name if name.asname else name.name.partition(".")[0]), ""


def _dotted(node: ast.expr) -> list[str]:
    """Return the names of `a.b.c`; none of anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    before = _dotted(node.value) if isinstance(node, ast.Attribute) else []
    return [*before, node.attr] if isinstance(node, ast.Attribute) and before else []
