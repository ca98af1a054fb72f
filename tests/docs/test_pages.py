"""What stands on the pages of the documentation is so: all code runs, and prints what the page says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.docs.blocks import PAGES, Run, blocks_on, figures_on, pages

LANGUAGES = {"bash", "python", "text", "yaml"}
ELSEWHERE = ("data.md",)  # tests/conformance/test_sources.py makes the files that its blocks read
QUICK = (
    *("decisions/frozen.md", "growing.md", "metrics.md", "networks.md", "training.md"),
    "tutorials/own-loop.md",
)
ON_A_SERVER = ("machines.md",)
WITH_CODE = tuple(str(page.relative_to(PAGES)) for page in pages() if blocks_on(page))
LONG = tuple(page for page in WITH_CODE if page not in {*ELSEWHERE, *QUICK, *ON_A_SERVER})
MOST_BYTES_OF_A_FIGURE = 60_000

pytestmark = pytest.mark.filterwarnings("ignore")  # as for whoever types this


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("HARNESS_HOME", "HARNESS_STORAGE", "HARNESS_STORE", "HARNESS_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    with torch.random.fork_rng():
        yield


def check(run: Run) -> None:
    """Run a page; compare what its blocks print, and see whether it draws the figures that it shows."""
    for block, printed in run.outputs():
        if block.language == "text":
            assert printed == block.code, f"{run.page.name}:{block.line}"
    for name in figures_on(run.page):
        assert (run.folder / name).is_file()


@pytest.mark.parametrize("page", QUICK)
def test_the_code_of_a_page_runs_and_prints_what_the_page_says(page: str, tmp_path: Path) -> None:
    check(Run(PAGES / page, tmp_path))


@pytest.mark.campaign
@pytest.mark.parametrize("page", LONG)
def test_the_code_of_a_longer_page_runs(page: str, tmp_path: Path) -> None:
    check(Run(PAGES / page, tmp_path))


@pytest.mark.campaign
@pytest.mark.postgres
@pytest.mark.ray
@pytest.mark.parametrize("page", ON_A_SERVER)
def test_the_code_of_a_page_on_several_machines_runs(page: str, tmp_path: Path, postgres: str) -> None:
    stages = str(tmp_path / "stages")

    check(Run(PAGES / page, tmp_path, {"HARNESS_STORAGE": postgres, "HARNESS_STORE": stages}))


def test_every_block_is_of_a_language_that_is_run() -> None:
    blocks = [(page.name, block) for page in pages() for block in blocks_on(page)]

    assert [(name, block.line) for name, block in blocks if block.language not in LANGUAGES] == []
    assert {*ELSEWHERE, *QUICK, *ON_A_SERVER} <= set(WITH_CODE)


def test_what_a_fence_does_not_close_is_no_block() -> None:
    open_fences = {page.name: page.read_text("utf-8").count("\n```") % 2 for page in pages()}

    assert set(open_fences.values()) == {0}


def test_every_figure_lies_beside_its_page_and_is_small() -> None:
    shown = {page.parent / "figures" / name for page in pages() for name in figures_on(page)}

    assert shown == set(PAGES.rglob("figures/*"))
    assert max(figure.stat().st_size for figure in shown) < MOST_BYTES_OF_A_FIGURE
