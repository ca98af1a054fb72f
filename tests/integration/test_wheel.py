"""A wheel is enough: what is in it, and the way from an empty folder to a report with nothing else."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT_FROM = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py")
UNDRAWN = ROOT / "tests" / "undrawn.py"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
PLANTS = "width,garden,species\n" + "".join(f"{n / 7},{n % 3},{['oak', 'elm'][n % 2]}\n" for n in range(60))


@pytest.fixture(scope="module")
def wheel(made_once: Callable[..., Path]) -> Path:
    """The wheel, built from a copy of the tree."""

    def build(folder: Path) -> None:
        tree = folder / "tree"
        tree.mkdir(exist_ok=True)
        for name in BUILT_FROM:
            shutil.copy(ROOT / name, tree)
        for name in ("harness", "studies"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(tree)]
        subprocess.run(build, check=True, capture_output=True)

    (built,) = made_once("wheel", build).glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(made_once: Callable[..., Path], wheel: Path) -> Path:
    """A folder with the wheel's content, which is all that pip does with one of Python alone."""

    def unpack(folder: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)

    return made_once("installed", unpack)


@pytest.fixture
def harness(installed: Path, tmp_path: Path) -> Callable[..., str]:
    """Call `harness` of the wheel in an empty folder, and return what it prints."""
    here = tmp_path / "here"
    here.mkdir()
    own = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS_")}

    def call(*arguments: str, program: tuple[str, ...] = ("-m", "harness")) -> str:
        # -P: the folder of a script is not looked into, where the checkout may lie.
        command = [sys.executable, "-P", *program, *arguments]
        environment = own | {"PYTHONPATH": str(installed)}
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return call


def test_it_holds_every_study_as_it_is_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        shipped = {name: archive.read(name) for name in names if name.startswith("harness/studies/")}

    studies = [path for path in ROOT.glob("studies/*/*") if path.suffix in (".py", ".md", ".json")]
    assert shipped == {f"harness/{path.relative_to(ROOT).as_posix()}": path.read_bytes() for path in studies}
    others = [name for name in names if not re.match(r"harness(-[\d.]+\.dist-info)?/", name)]
    assert others == []


def test_it_describes_itself_by_the_readme_without_links_that_lead_nowhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        said = archive.read(name).decode()

    assert "Description-Content-Type: text/markdown\n" in said
    assert "`pip install harness-*.whl` stands for `pip install -e .`" in said
    assert "[Operations]" not in said
    assert re.findall(r"\]\((?!https?:)", said) == []


def test_its_code_has_the_digest_of_the_checkout(harness: Callable[..., str]) -> None:
    from harness.reporting.data.environment import environment

    said = harness(program=("-c", "from harness.reporting.data import environment as e; print(e._code_digest())"))

    assert said.strip() == environment()["code_sha256"]


@pytest.mark.campaign  # the parts of the walk are tested from the checkout
@pytest.mark.slow
def test_it_leads_from_an_empty_folder_to_a_report(harness: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "here" / "plants.csv").write_text(PLANTS)

    assert "digits-late-classes" in harness("examples")
    assert "harness new NAME" in harness("list")
    harness("new", "mine", "--own-data", "plants.csv", "--own-model")
    small = ("--trials", "1", "--seeds", "1", "--set", "steps=460", "--no-tracking")
    printed = harness("run", "mine", *small, program=(str(UNDRAWN),))

    assert printed.startswith("[1/2] trial 0")
    assert (tmp_path / "here" / "runs" / "reports" / "mine" / "report.html").is_file()
    assert harness("list") == "mine  finished: 2 of 2 runs\n"
