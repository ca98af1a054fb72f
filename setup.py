"""The build: what stands in pyproject.toml, and two things besides.

`studies/` goes into the wheel as `harness/studies`. The README describes the wheel, in which what it links to does not
lie, so of links and pictures only the words are left.
"""

import re
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("*/study.py", "*/README.md", "*/registration.json")
RELATIVE_LINK = re.compile(r"!?\[([^\]]*)\]\((?!https?:)[^)]*\)")


class BuildWithStudies(build_py):
    """Copies the studies beside the modules; an editable install finds them where they are."""

    def run(self) -> None:
        """Copy modules, then studies."""
        super().run()
        if self.editable_mode:
            return
        for source, target in self._studies().items():
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return the files of the modules and of the studies."""
        studies = [] if self.editable_mode else map(str, self._studies().values())
        return [*super().get_outputs(include_bytecode), *studies]

    def _studies(self) -> dict[Path, Path]:
        files = sorted(path for pattern in SHIPPED for path in Path("studies").glob(pattern))
        return {path: Path(self.build_lib, "harness", path) for path in files}


setup(
    cmdclass={"build_py": BuildWithStudies},
    long_description=RELATIVE_LINK.sub(r"\1", Path("README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
)
