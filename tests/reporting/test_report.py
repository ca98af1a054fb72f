import csv
import getpass
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

import harness
from harness.core.errors import StudyNotFoundError
from harness.reporting.publication.published_files import is_published
from harness.reporting.report import Report, write_report
from harness.reporting.sections import GLANCE, SECTIONS
from harness.reporting.verification.verify import verify
from harness.staging.ledger import Ledger, StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace

MakeHome = Callable[..., Path]
ROOT = Path(harness.__file__).parents[1]
HOSTILE = '"><script>alert(1)</script> $\\frac{$ | `x` [a](b) \u202e \U0001f600'
FORMULA = "=cmd|' /C calc'!A0 & " + HOSTILE + "\n" + "x" * 300

ATTRIBUTES = {
    *(
        "alt",
        "aria-label",
        "charset",
        "class",
        "content",
        "height",
        "href",
        "http-equiv",
        "id",
        "lang",
        "name",
        "role",
        "scope",
    ),
    *("src", "tabindex", "width"),
    *("aria-hidden", "clip-path", "d", "fill", "patternunits", "stroke-linejoin", "style", "transform"),  # figures
    *("viewbox", "x", "y"),
}
DRAWN = {"effect_map": {"image"}}  # the color bar


class Elements(HTMLParser):
    """Collects the names of elements and the values of attributes that could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        self.ids += [value or "" for name, value in attrs if name == "id"]


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def finished(finished_report: Path) -> Path:
    return finished_report


@pytest.fixture(scope="module")
def again(finished_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The same report, written from the home."""
    return write_report(Workspace(finished_home), "freeze-or-not", tmp_path_factory.mktemp("elsewhere") / "again")


def test_a_report_has_all_its_parts(finished: Path) -> None:
    names = set(files_below(finished))

    figures = {"paired_differences", "pairs", "cost", "learning_curves", "stability_gap", "loss_components"}
    assert {f"figures/{name}.{kind}" for name in figures for kind in ("png", "svg", "csv")} <= names
    assert {"report.html", "report.md", "summary.json", "manifest.json", "study.json"} <= names
    assert {"tables/primary.csv", "tables/outcomes.csv", "tables/runs.csv", "tables/seeds.csv"} <= names
    assert {"data/runs.parquet", "data/curves.parquet", "environment.json", "reproduce.sh"} <= names


def test_the_same_runs_give_the_same_bytes(finished: Path, again: Report) -> None:
    assert files_below(again.folder) == files_below(finished)


def test_the_summary_repeats_the_verdict(again: Report) -> None:
    summary = json.loads((again.folder / "summary.json").read_text())

    assert summary["verdict"]["sentence"] == again.verdict
    assert summary["verdict"]["kind"] == again.kind
    assert summary["difference"]["units"] == 6
    assert {"df", "p", "standardized", "share_positive"} <= set(summary["difference"])
    text = (again.folder / "report.md").read_text().replace("\\", "")
    assert again.verdict in text.replace("**\n>\n> ", " ")


def test_the_page_loads_nothing_and_runs_nothing(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    elements = Elements()
    elements.feed(page)

    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    beside = {link for link in elements.links if not link.startswith(("data:image/png;base64,", "#"))}
    assert beside == {"runs.html#runs", "checklists.html#checklist", "checklists.html#glossary"}
    assert len(elements.ids) == len(set(elements.ids))
    assert {link for link in elements.links if link.startswith("#")} <= {f"#{name}" for name in elements.ids}
    assert not elements.names & {"script", "link", "iframe", "object"}
    assert not any(name.startswith("on") for name in elements.attributes)


def test_markdown_links_lead_to_files_that_are_published(finished: Path) -> None:
    links = re.findall(r"\]\(([^#)][^)]*)\)", (finished / "report.md").read_text())

    assert {"figures/paired_differences.png", "figures/learning_curves.png", "report.html"} <= set(links)
    assert all((finished / link).is_file() and is_published(link) for link in links)


def test_markdown_names_every_file_of_a_table_and_every_figure(finished: Path) -> None:
    text, page = ((finished / name).read_text() for name in ("report.md", "report.html"))
    texts = [path.read_text() for path in finished.glob("*.md")]

    tables = [table for one in texts for table in re.findall(r"\(`(tables/[^`]+)`\)", one)]
    shown = (finished / "report.html", finished / "runs.html", finished / "checklists.html")
    captions = {title for one in shown for title in re.findall(r"<caption>(.*)</caption>", one.read_text())}
    assert len(tables) == len(set(tables)) == len(captions) > 8
    assert all((finished / table).is_file() for table in tables)
    titles = re.findall(r"<figcaption><strong>(.*)\.</strong>", page)
    assert len(titles) > 5
    assert all(f"*{title}.*" in text or f"[{title}](report.html)" in text for title in titles)


def test_the_contents_lead_to_every_section_in_the_page_and_in_markdown(finished: Path) -> None:
    page, text = (finished / "report.html").read_text(), (finished / "report.md").read_text()

    sections = [section for section in re.findall(r'<section id="([^"]+)">', page) if section != "reading"]
    assert re.findall(r'<li><a href="#([^"]+)"', page) == sections
    slugs = [re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^## (\d.*)$", text, re.M)]
    assert re.findall(r"\]\(#([^)]+)\)", text) == slugs
    assert len(slugs) == len(sections) == 11


def test_every_table_and_figure_has_its_place(finished: Path) -> None:
    makes = {make.__name__ for make in (*GLANCE, *(m for spec in SECTIONS for m in (*spec.shown, *spec.folded)))}

    assert {f"{path.stem}_table" for path in (finished / "tables").iterdir()} <= makes
    assert {f"{path.stem}_figure" for path in (finished / "figures").iterdir()} <= makes


def test_the_curves_are_long_and_complete(finished: Path) -> None:
    curves = pd.read_parquet(finished / "data" / "curves.parquet")

    assert curves["run_id"].nunique() == 24
    assert {"step", "steps_since_growth", "name", "value"} <= set(curves.columns)


BUILD = """
import sys
from pathlib import Path
from harness.reporting.report import write_report
from harness.staging.workspace import Workspace
write_report(Workspace(Path(sys.argv[1])), "freeze-or-not", Path(sys.argv[2]))
"""


@pytest.mark.parametrize(
    "settings",
    [
        {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
        pytest.param(
            {"TZ": "America/Los_Angeles", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"}, marks=pytest.mark.campaign
        ),
    ],
)
def test_no_byte_depends_on_folder_clock_language_or_hash_seed(
    finished_home: Path, finished: Path, tmp_path: Path, settings: dict[str, str]
) -> None:
    copy, out = tmp_path / "another home", tmp_path / "out"
    shutil.copytree(finished_home, copy)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(tmp_path / "mpl"), **settings}

    subprocess.run([sys.executable, "-c", BUILD, str(copy), str(out)], cwd=tmp_path, env=environment, check=True)

    assert files_below(out) == files_below(finished)


def test_nothing_in_a_report_tells_who_wrote_it_where(finished: Path, finished_home: Path) -> None:
    private = [str(finished_home), str(Path.home()) + "/", platform.node(), getpass.getuser() + "@"]
    plain = (".csv", ".json", ".md", ".sh", ".svg")
    texts = {name: content for name, content in files_below(finished).items() if name.endswith(plain)}

    for name, content in texts.items():
        words = [word for word in private if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", content.decode())]
        assert words == [], name


@pytest.fixture(scope="module")
def hostile(write_home: MakeHome, made_once: Callable[..., Path]) -> Path:
    """A report on a study whose every name wants to be something else, to be read only."""
    arms = (HOSTILE, FORMULA, "@" + HOSTILE)

    def write(folder: Path) -> None:
        home = write_home(
            folder / "home", trials=6, seeds=2, arms=arms, where=(HOSTILE, FORMULA, "+1"), title=HOSTILE,
            question=FORMULA, reason=HOSTILE, failed=((0, HOSTILE, 0),),
        )  # fmt: skip
        Ledger(home).save_origin("freeze-or-not", StudyOrigin("a b; reboot", (f"x={FORMULA}", "`reboot`")))
        write_report(Workspace(home), "freeze-or-not", folder / "report")

    return made_once("hostile", write) / "report"


def test_hostile_names_do_no_harm_to_the_page(hostile: Path) -> None:
    elements = Elements()

    elements.feed((hostile / "report.html").read_text())

    assert "script" not in elements.names
    assert elements.attributes <= ATTRIBUTES
    links = {link for link in elements.links if not link.startswith("data:image/png;base64,")}
    assert links >= {f"#{spec.anchor}" for spec in SECTIONS if spec.page == "report"}
    beside = {f"{spec.page}.html#{spec.anchor}" for spec in SECTIONS if spec.page != "report"}
    assert links - beside <= {f"#{name}" for name in elements.ids}


def test_hostile_names_do_no_harm_to_the_markdown(hostile: Path) -> None:
    texts = "\n".join(path.read_text() for path in sorted(hostile.glob("*.md")))
    markdown = re.sub(r"^```\n.*?^```\n", "", texts, flags=re.MULTILINE | re.DOTALL)

    assert "<script" not in markdown
    assert "\u202e" not in markdown
    assert len(tables_in(markdown)) > 5
    for head, *rows in tables_in(markdown):
        assert all(cells(row) == cells(head) for row in rows)


def test_hostile_names_run_nothing_in_a_spreadsheet(hostile: Path) -> None:
    for path in hostile.rglob("*.csv"):
        with path.open(newline="") as file:
            found = [cell for row in csv.reader(file) for cell in row]
        texts = [cell for cell in found if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert [cell for cell in texts if not re.fullmatch(r"-?[\d.]+(e[+-]\d+)?|-inf", cell)] == [], path.name


def test_hostile_names_stay_words_in_a_drawing(hostile: Path) -> None:
    for path in hostile.rglob("*.svg"):
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(path.read_bytes()).iter()}
        assert not tags & {"script", "foreignObject", "a", "image", "iframe"} - DRAWN.get(path.stem, set())


def test_hostile_names_do_no_harm_to_a_shell(hostile: Path, tmp_path: Path) -> None:
    script = (hostile / "reproduce.sh").read_text()
    echoing = "harness() { printf '%s\\n' \"$@\" >> said; }\nreboot() { echo rebooted > rebooted; }\n"

    subprocess.run(["/bin/sh"], input=echoing + script, text=True, cwd=tmp_path, check=True)

    assert not (tmp_path / "rebooted").exists()
    assert (tmp_path / "said").read_text().splitlines()[:2] == ["run", "a b; reboot"]


def test_a_report_full_of_hostile_names_can_be_verified(hostile: Path) -> None:
    assert verify(hostile).outcome == "PASS-BITWISE"


def tables_in(markdown: str) -> list[list[str]]:
    return [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", markdown, flags=re.MULTILINE)]


def cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row))


@pytest.mark.usefixtures("figures_undrawn")
def test_failed_runs_are_counted_with_their_reasons(make_home: MakeHome, tmp_path: Path) -> None:
    home = make_home(trials=6, seeds=2, failed=((0, "frozen", 0), (2, "frozen", 1)))

    report = write_report(Workspace(home), "freeze-or-not", tmp_path / "report")

    page = (report.folder / "report.html").read_text()
    assert "2 runs failed (2 under frozen)" in page
    assert "DivergedError: total is nan at step 225" in page
    assert "Those that diverged count as a guess" in page
    assert "2 pairs with a diverged run that counts as 10.00 %" in report.verdict
    assert "mean, completed runs only" in page
    assert "Runs that came to nothing" in page


@pytest.mark.parametrize("seeds", [0, 1])
def test_a_study_without_a_completed_run_has_a_report_that_says_so(
    make_home: MakeHome, tmp_path: Path, seeds: int
) -> None:
    home = make_home(trials=2, seeds=seeds, failed=tuple((t, a, 0) for t in (0, 1) for a in ("frozen", "unfrozen")))

    report = write_report(Workspace(home), "freeze-or-not", tmp_path / "report")

    assert report.kind == "no data"
    assert report.verdict.startswith("No data yet")
    assert {path.stem for path in report.folder.glob("figures/*")} <= {"course_of_runs"}


@pytest.mark.parametrize(("trials", "seeds"), [(1, 1), pytest.param(2, 1, marks=pytest.mark.campaign), (4, 2)])
def test_few_configurations_still_make_a_report(make_home: MakeHome, tmp_path: Path, trials: int, seeds: int) -> None:
    report = write_report(Workspace(make_home(trials=trials, seeds=seeds)), "freeze-or-not", tmp_path / "report")

    assert report.kind == "not enough data"
    assert (report.folder / "figures" / "paired_differences.png").is_file()


@pytest.mark.usefixtures("figures_undrawn")
def test_one_arm_alone_has_no_verdict(make_home: MakeHome, tmp_path: Path) -> None:
    home = make_home(trials=3, seeds=1, missing=tuple((trial, "frozen", 0) for trial in range(3)))

    report = write_report(Workspace(home), "freeze-or-not", tmp_path / "report")

    assert report.kind == "no data"
    assert "3 of 6" in (report.folder / "report.md").read_text()


def test_an_arm_compared_with_itself_has_no_verdict(make_home: MakeHome, tmp_path: Path) -> None:
    home = make_home(trials=2, seeds=1)
    ledger = Ledger(home)
    record = ledger.study("freeze-or-not")
    assert record is not None
    spec = {**record.spec, "arms": {"frozen": {}}, "comparison": ["frozen", "frozen"]}
    ledger.save_study(StudyRecord(record.name, StudySpec(spec), record.trials, record.seeds))

    report = write_report(Workspace(home), "freeze-or-not", tmp_path / "report")

    assert report.verdict == "No data: the study compares frozen with itself."


def test_a_study_that_was_never_begun_leaves_nothing_behind(finished_home: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyNotFoundError):
        write_report(Workspace(finished_home), "another", tmp_path / "report")

    assert not (tmp_path / "report").exists()
