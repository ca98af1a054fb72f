"""The code on a page of the documentation, and how it is run: one block after the other, as a reader would.

Blocks of Python share a module, blocks of Bash are scripts; both begin in the same folder. What a page needs and does
not show stands in a comment, `<!-- setup` for Python and `<!-- setup bash` for Bash. A block of text says what the
block before it prints. `python -m tests.docs.blocks PAGE` runs a page and keeps the figures that it shows.
"""

import linecache
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import ModuleType

import yaml

__all__ = ["PAGES", "ROOT", "Block", "Run", "blocks_on", "figures_on", "pages"]

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "reports" / "docs" / "pages"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$|^<!-- setup ?(\w*)\n(.*?)^-->$", re.MULTILINE | re.DOTALL)
FIGURE = re.compile(r"\]\((figures/[\w-]+\.svg)\)")
# Commands as they are in the environment of these tests: the package is there, and nothing is installed.
COMMANDS = {
    "harness": f'exec {sys.executable} -m harness "$@"',
    "pip": "exit 0",
    "sbatch": 'while [ "$1" != --wrap ]; do shift; done; eval "$2"',  # one job of the array, here
}


@dataclass(frozen=True)
class Block:
    """Code on a page.

    Attributes:
        line: of the page, from 1 on, on which the code begins.
    """

    language: str
    code: str
    line: int


def pages() -> list[Path]:
    """Return all pages of the documentation."""
    return sorted(PAGES.rglob("*.md"))


def blocks_on(page: Path) -> list[Block]:
    """Return the blocks of a page, those among them that readers do not see."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        part = 2 if match[2] is not None else 4
        language = match[1] if part == 2 else match[3] or "python"
        found.append(Block(language, match[part], text.count("\n", 0, match.start(part)) + 1))
    return found


def figures_on(page: Path) -> list[str]:
    """Return the names of the figures that a page shows and its own code draws."""
    return [] if page.name == "index.md" else [Path(one).name for one in FIGURE.findall(page.read_text("utf-8"))]


class Run:
    """Runs the blocks of one page in `folder`."""

    def __init__(self, page: Path, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.page, self.folder, self.blocks = page, folder, blocks_on(page)
        self._environment = environment or {}
        self._module = ModuleType(f"page_{re.sub(r'[^0-9a-z]', '_', page.stem)}")

    def outputs(self) -> Iterator[tuple[Block, str]]:
        """Run all blocks; yield each with what it prints, and of a block of text what the one before it printed.

        Raises:
            AssertionError: a script ends with another code than 0.
        """
        self._begin()
        printed = ""
        try:
            for block in self.blocks:
                if block.language == "python":
                    printed = self._python(block)
                elif block.language == "bash":
                    printed = self._bash(block)
                elif block.language == "yaml":
                    assert yaml.safe_load(block.code), f"{self.page.name}:{block.line}"
                yield block, printed
        finally:
            del sys.modules[self._module.__name__]

    def _begin(self) -> None:
        """Write the page's Python as a file, each line where it is on the page, so that classes have a source."""
        lines: list[str] = []
        for block in self.blocks:
            if block.language == "python":
                lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
        file = self.folder / f"{self._module.__name__}.py"
        file.write_text("\n".join([*lines, ""]), encoding="utf-8")
        linecache.checkcache(str(file))
        self._module.__file__ = str(file)
        sys.modules[self._module.__name__] = self._module
        commands = self.folder / "commands"
        commands.mkdir()
        for name, script in COMMANDS.items():
            (commands / name).write_text(f"#!/bin/bash\n{script}\n")
            (commands / name).chmod(0o755)

    def _python(self, block: Block) -> str:
        said = StringIO()
        code = compile("\n" * (block.line - 1) + block.code, str(self._module.__file__), "exec")
        with chdir(self.folder), redirect_stdout(said):
            exec(code, self._module.__dict__)
        return said.getvalue()

    def _bash(self, block: Block) -> str:
        path = f"{self.folder / 'commands'}{os.pathsep}{os.environ['PATH']}"
        own = {name: value for name, value in os.environ.items() if name not in ("HARNESS_HOME", "HARNESS_STORAGE")}
        environment = {**own, "PATH": path, "PYTHONPATH": str(ROOT), **self._environment}
        script = block.code
        for name, value in self._environment.items():  # what a page exports would be taken for the value
            script = re.sub(rf"\b{name}=\S+", f"{name}={value}", script)
        command = ["bash", "-euo", "pipefail", "-c", script]
        ended = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{self.page.name}:{block.line}: {ended.stdout}{ended.stderr}"
        return ended.stdout


def keep_figures(page: Path) -> None:
    """Run a page, and keep the figures that it shows beside it."""
    with tempfile.TemporaryDirectory() as folder:
        for block, printed in Run(page, Path(folder)).outputs():
            sys.stdout.write(f"--- line {block.line}\n{printed}")
        for name in figures_on(page):
            (page.parent / "figures").mkdir(exist_ok=True)
            shutil.copy(Path(folder) / name, page.parent / "figures" / name)


if __name__ == "__main__":
    keep_figures(Path(sys.argv[1]))
