import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from harness.core.errors import InputError
from harness.reporting.data.environment import environment
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.manifest import MANIFEST, manifest_of
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.source_files import OPTIONAL_SOURCES, read_data, written_data
from harness.reporting.report import write_report
from harness.reporting.verification import verify as module
from harness.reporting.verification.verify import Verification, verify
from harness.staging.workspace import Workspace

MakeHome = Callable[..., Path]
Change = Callable[[Path], object]


@pytest.fixture
def written(undrawn_report: Path) -> Path:
    """A report to be read only."""
    return undrawn_report


def sign_anew(report: Path) -> None:
    """Write the manifest for the files as they are, as someone would who covers up a change."""
    paths = (path for path in report.rglob("*") if path.is_file() and path.name not in (MANIFEST, "README.md"))
    files = {path.relative_to(report).as_posix(): path.read_bytes() for path in paths}
    (report / MANIFEST).write_bytes(manifest_of("freeze-or-not", files, read_data(files).runs))


def change_frame(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(path)).to_parquet(path, index=False, compression="zstd")


def last_bit(row: int, column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].to_numpy(copy=True)
        values[row] = np.nextafter(values[row], np.inf)
        return frame.assign(**{column: values})

    return change


def said(found: Verification) -> str:
    return "\n".join(f"{problem.level} {problem.path}: {problem.what}" for problem in found.problems)


def test_a_report_as_it_was_written_passes_to_the_bit(written: Path) -> None:
    found = verify(written)

    assert (found.outcome, found.problems) == ("PASS-BITWISE", ())
    assert found.files == len([path for path in written.rglob("*") if path.is_file()])


def test_a_metric_that_does_not_follow_from_the_answers_is_found_whoever_wrote_the_rest(
    answered_data: Callable[..., StudyData], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "report_files", lambda sources: {**sources, MANIFEST: b"{}"})
    data = answered_data(trials=2, seeds=1)
    metric = "test/accuracy/all"
    better = data.runs[metric].where(data.runs["arm"] != "unfrozen", 0.999)
    forged = written_data(replace(data, runs=data.runs.assign(**{metric: better})), environment())
    publish(tmp_path / "report", forged | {"report.html": b"", MANIFEST: b"{}"})

    found = verify(tmp_path / "report")

    runs = data.runs.loc[data.runs["arm"] == "unfrozen", "run_id"]
    assert found.outcome == "FAIL"
    assert [line for line in said(found).splitlines() if "another metric" in line] == [
        f"1 data/answers.parquet: the answers of the run {run} come to another metric" for run in runs
    ]


@pytest.mark.parametrize("gone", OPTIONAL_SOURCES)
def test_half_of_the_answers_are_none(answered_data: Callable[..., StudyData], tmp_path: Path, gone: str) -> None:
    files = written_data(answered_data(trials=2, seeds=1), environment())
    del files[gone]
    publish(tmp_path / "report", files | {"report.html": b"", MANIFEST: b"{}"})

    found = verify(tmp_path / "report")

    assert found.outcome == "FAIL"
    assert f"cannot be read as a report's data: KeyError: '{gone}'" in said(found)


def test_a_readme_beside_the_report_does_no_harm(report: Path) -> None:
    (report / "README.md").write_text("what we think of it")

    assert verify(report).outcome == "PASS-BITWISE"


@pytest.mark.parametrize("covered_up", [False, True])
@pytest.mark.parametrize("column", ["test/accuracy/all", "val/accuracy/known", "cost/seconds", "growth_step"])
def test_the_last_bit_of_one_value_fails_naming_the_row(report: Path, column: str, covered_up: bool) -> None:
    change_frame(report / "data" / "runs.parquet", last_bit(3, column))
    if covered_up:
        sign_anew(report)

    found = verify(report)

    where = "tables/runs.csv: row 4 (trial '0', arm 'unfrozen', seed '1')" if covered_up else "data/runs.parquet: row 4"
    assert found.outcome == "FAIL"
    assert where in said(found)
    assert not covered_up or f"column {column!r}" in said(found)


@pytest.mark.parametrize("covered_up", [False, True])
def test_the_last_bit_of_a_curve_fails_naming_the_run(report: Path, covered_up: bool) -> None:
    curves = pd.read_parquet(report / "data" / "curves.parquet")
    row = int(curves.index[curves["name"] == "val/loss/distillation"][-1])
    change_frame(report / "data" / "curves.parquet", last_bit(row, "value"))
    if covered_up:
        sign_anew(report)

    found = verify(report)

    assert found.outcome == "FAIL"
    assert "the curves of row 24 (trial 5, arm unfrozen, seed 5001) are not those whose digest" in said(found)


def edit(name: str, old: str, new: str) -> Change:
    def change(report: Path) -> None:
        text = (report / name).read_text()
        assert old in text
        (report / name).write_text(text.replace(old, new, 1))

    return change


def remove(name: str) -> Change:
    return lambda report: (report / name).unlink()


def repack_picture(report: Path) -> None:
    """Write the same pixels in other bytes, as another machine's libraries might."""
    path = report / "figures" / "paired_differences.png"
    Image.open(path).copy().save(path, compress_level=1)


def change_picture(report: Path) -> None:
    content = bytearray((report / "figures" / "paired_differences.png").read_bytes())
    content[len(content) // 2] ^= 1
    (report / "figures" / "paired_differences.png").write_bytes(content)


def drop_run(report: Path) -> None:
    change_frame(report / "data" / "runs.parquet", lambda frame: frame.drop(index=2))


def turn_runs(report: Path) -> None:
    change_frame(report / "data" / "runs.parquet", lambda frame: frame.iloc[::-1])


def other_config(report: Path) -> None:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[0, "config"] = "{}"
        return frame

    change_frame(report / "data" / "runs.parquet", change)


TAMPERING: dict[str, tuple[Change, str]] = {
    "a verdict sentence": (edit("report.md", "test accuracy", "trial accuracy"), "report.md: line"),
    "a verdict in the summary": (edit("summary.json", '"kind": "', '"kind": "not '), "summary.json: 'verdict.kind'"),
    "a word of the page": (edit("report.html", "interval", "Interval"), "report.html: line"),
    "a table": (edit("tables/primary.csv", "frozen", "thawed"), "tables/primary.csv: row"),
    "a vector figure": (edit("figures/learning_curves.svg", "path", "Path"), "figures/learning_curves.svg: is not the"),
    "a figure's data": (edit("figures/paired_differences.csv", "0.", "1."), "figures/paired_differences.csv: row"),
    "a picture": (change_picture, "figures/paired_differences.png: is not the one"),
    "the study": (edit("study.json", '"smallest_effect": 0.005', '"smallest_effect": 0.5'), "summary.json"),
    "the commands": (edit("reproduce.sh", "--trials 6", "--trials 7"), "reproduce.sh: line"),
    "the text gone": (remove("report.md"), "report.md: is missing"),
    "a figure of the text gone": (remove("figures/learning_curves.png"), "figures/learning_curves.png: is missing"),
    "a superfluous file": (lambda report: (report / "extra.txt").write_text("x"), "extra.txt: "),
    "a run gone": (drop_run, "row 3 (trial '0', arm 'unfrozen', seed '0')"),
    "runs in another order": (turn_runs, "tables/runs.csv: row 1"),
    "a run's configuration": (other_config, "row 1 (trial 0, arm frozen, seed 0), column config"),
}  # fmt: skip


@pytest.mark.parametrize("covered_up", [False, True])
@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_is_named(report: Path, what: str, covered_up: bool) -> None:
    change, message = TAMPERING[what]
    change(report)
    if covered_up:
        sign_anew(report)

    found = verify(report)

    assert found.outcome == "FAIL"
    assert message in said(found)
    assert covered_up == (not [problem for problem in found.problems if problem.level == 0])


def test_a_table_that_is_gone_from_the_manifest_too_is_named(report: Path) -> None:
    (report / "tables" / "primary.csv").unlink()
    sign_anew(report)

    assert "tables/primary.csv: is missing: the data has it" in said(verify(report))


def test_the_missing_run_is_named_by_its_curves(report: Path) -> None:
    gone = pd.read_parquet(report / "data" / "runs.parquet")["run_id"].tolist()[2]
    drop_run(report)
    sign_anew(report)

    assert f"the run {gone} is missing: its curves are in data/curves.parquet" in said(verify(report))


MANIFESTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no digest": lambda manifest: {**manifest, "root_sha256": "0"},
    "no list": lambda manifest: {name: value for name, value in manifest.items() if name != "files"},
    "another version": lambda manifest: {**manifest, "manifest_version": 99},
    "no runs": lambda manifest: {name: value for name, value in manifest.items() if name != "runs_sha256"},
    "too much": lambda manifest: {**manifest, "verified": True},
    "no mapping": lambda _: [],
    "wrong rows": lambda manifest: {**manifest, "files": [{**file, "rows": 7} for file in manifest["files"]]},
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_manifest_that_is_not_the_files_own_fails(report: Path, what: str) -> None:
    changed = MANIFESTS[what](json.loads((report / MANIFEST).read_text()))
    (report / MANIFEST).write_text(json.dumps(changed))

    found = verify(report)

    assert found.outcome == "FAIL"
    assert MANIFEST in said(found) or "the manifest says 7" in said(found)


@pytest.mark.parametrize("name", ["data/runs.parquet", "data/curves.parquet", "study.json", "environment.json"])
@pytest.mark.parametrize("content", [b"", b"null", b"PAR1 nonsense PAR1", None])
def test_data_that_cannot_be_read_is_a_failure_and_no_trace(report: Path, name: str, content: bytes | None) -> None:
    if content is None:
        (report / name).unlink()
    else:
        (report / name).write_bytes(content)

    found = verify(report)

    assert found.outcome == "FAIL"
    assert name in said(found)


def test_a_manifest_without_its_file_is_a_failure(report: Path) -> None:
    (report / MANIFEST).unlink()

    assert "manifest.json: is missing" in said(verify(report))


def test_a_folder_that_holds_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected the folder of a report at .*; name one"):
        verify(tmp_path / "nowhere")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with another NumPy."""
    here = environment()
    other = {**here, "packages": {**here["packages"], "numpy": "9.9"}}
    monkeypatch.setattr(module, "environment", lambda: other)


@pytest.mark.usefixtures("elsewhere")
def test_another_environment_that_writes_the_same_bytes_passes(written: Path) -> None:
    assert verify(written).outcome == "PASS-BITWISE"


def nudge(report: Path, relative: float) -> None:
    """Change a table and a picture as another machine's arithmetic might."""
    path = report / "tables" / "primary.csv"
    table = pd.read_csv(path)
    means = table["mean"].to_numpy(copy=True)
    means[0] *= 1 + relative
    path.write_text(table.assign(mean=means).to_csv(index=False))
    repack_picture(report)
    sign_anew(report)


@pytest.mark.usefixtures("elsewhere")
def test_another_environment_that_writes_other_bytes_cannot_tell(report: Path) -> None:
    nudge(report, 1e-13)

    found = verify(report)

    assert found.outcome == "CANNOT-RUN"
    assert any(difference.startswith("numpy ") and difference.endswith("and 9.9") for difference in found.differences)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(("relative", "outcome"), [(1e-13, "PASS-TOLERANCE"), (1e-6, "FAIL")])
def test_with_a_tolerance_another_environment_compares_numbers(report: Path, relative: float, outcome: str) -> None:
    nudge(report, relative)

    found = verify(report, tolerance=1e-9)

    assert found.outcome == outcome
    assert found.not_compared == ("figures/paired_differences.png",)


def test_a_tolerance_excuses_nothing_in_the_same_environment(report: Path) -> None:
    nudge(report, 1e-13)

    assert verify(report, tolerance=1e-9).outcome == "FAIL"


@pytest.mark.usefixtures("elsewhere")
def test_another_environment_excuses_no_wrong_hash(report: Path) -> None:
    change_picture(report)

    assert verify(report, tolerance=1e-9).outcome == "FAIL"


def test_nothing_heavy_and_no_study_is_loaded(written: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from harness.reporting.verification.verify import verify
from tests.undrawn import undraw
undraw()
assert verify(Path({str(written)!r})).outcome == "PASS-BITWISE"
print(*sorted({{name.partition(".")[0] for name in sys.modules}} & {{"torch", "optuna", "mlflow", "study", "studies"}}))
print(*sorted(name for name in sys.modules if name.startswith(("harness.search", "harness.growth", "harness.models"))))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.split() == []


def test_the_root_is_what_sha256sum_says_of_the_files(written: Path) -> None:
    manifest = json.loads((written / MANIFEST).read_text())

    lines = [
        f"{hashlib.sha256((written / file['path']).read_bytes()).hexdigest()}  {file['path']}\n"
        for file in manifest["files"]
    ]

    assert manifest["root_sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    rows = {file["path"]: file.get("rows") for file in manifest["files"]}
    assert rows["data/runs.parquet"] == rows["tables/runs.csv"] == 24
    assert rows["data/curves.parquet"] == len(
        pd.read_parquet(io.BytesIO((written / "data/curves.parquet").read_bytes()))
    )


@pytest.mark.parametrize("trials", [0, 1])
def test_a_report_without_a_verdict_can_be_verified(make_home: MakeHome, tmp_path: Path, trials: int) -> None:
    written = write_report(Workspace(make_home(trials=trials, seeds=1)), "freeze-or-not", tmp_path / "report").folder

    assert verify(written).outcome == "PASS-BITWISE"
