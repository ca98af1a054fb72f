"""Reports whose folders leave out what follows from the data: nothing that was changed passes, wherever it lies."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.reporting.data.environment import environment
from harness.reporting.publication.manifest import MANIFEST, digests_left_out, manifest_of
from harness.reporting.publication.published_files import PUBLISHED, published_files
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.source_files import SOURCES, read_data
from harness.reporting.verification import verify as module
from harness.reporting.verification.verify import Verification, verify

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def whole(undrawn_files: dict[str, bytes]) -> dict[str, bytes]:
    """All files of a report."""
    return dict(undrawn_files)


@pytest.fixture
def report(whole: dict[str, bytes], tmp_path: Path) -> Path:
    """A published report to tamper with."""
    publish(tmp_path / "report", published_files(whole))
    return tmp_path / "report"


@pytest.fixture
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify in an environment with another NumPy."""
    here = environment()
    monkeypatch.setattr(module, "environment", lambda: {**here, "packages": {**here["packages"], "numpy": "9.9"}})


def problems(result: Verification) -> str:
    return "\n".join(f"{problem.level} {problem.path}: {problem.what}" for problem in result.problems)


def edit_manifest(report: Path, edit: Edit) -> None:
    manifest = json.loads((report / MANIFEST).read_text())
    edit(manifest)
    (report / MANIFEST).write_text(json.dumps(manifest))


def entry(manifest: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in manifest["files"] if entry["path"] == path)
    return found


def sign_anew(report: Path, whole: dict[str, bytes], changes: dict[str, bytes]) -> None:
    """Write a manifest that names `changes` in place of the report's own files, as who covers up a change would."""
    files = {path: content for path, content in {**whole, **changes}.items() if path != MANIFEST}
    (report / MANIFEST).write_bytes(manifest_of("freeze-or-not", files, read_data(files).runs))


def test_what_is_left_out_is_computed_and_compared_with_the_manifest(report: Path, whole: dict[str, bytes]) -> None:
    result = verify(report)

    assert (result.outcome, result.problems) == ("PASS-BITWISE", ())
    assert (result.files, result.left_out) == (len(whole), len(set(whole) - PUBLISHED))
    assert result.left_out > 40


def test_any_part_of_what_is_left_out_may_lie_there(report: Path, whole: dict[str, bytes]) -> None:
    for path in sorted(set(whole) - PUBLISHED)[::3]:
        (report / path).parent.mkdir(exist_ok=True)
        (report / path).write_bytes(whole[path])

    assert verify(report).outcome == "PASS-BITWISE"


def flipped_bits(files: dict[str, bytes]) -> Iterator[str]:
    """Return one file of each kind in each folder."""
    seen = set()
    for path in sorted(files):
        kind = (str(Path(path).parent), Path(path).suffix)
        if kind not in seen or "/" not in path:
            yield path
        seen.add(kind)


def test_a_flipped_bit_in_any_kind_of_file_fails_naming_it(tmp_path: Path, whole: dict[str, bytes]) -> None:
    publish(tmp_path / "report", whole)
    passed = []
    for path in flipped_bits(whole):
        content = bytearray(whole[path])
        content[len(content) // 2] ^= 1
        (tmp_path / "report" / path).write_bytes(content)

        result = verify(tmp_path / "report")

        if result.outcome != "FAIL" or f" {path}:" not in problems(result):
            passed.append((path, result.outcome))
        (tmp_path / "report" / path).write_bytes(whole[path])
    assert passed == []


def test_a_published_file_that_is_gone_fails_naming_it(report: Path, whole: dict[str, bytes]) -> None:
    published = sorted((PUBLISHED - {MANIFEST}) & set(whole))
    passed = []
    for path in published:
        (report / path).unlink()

        result = verify(report)

        if result.outcome != "FAIL" or f"0 {path}: is missing" not in problems(result):
            passed.append(path)
        (report / path).write_bytes(whole[path])
    assert {"report.html", "report.md", "study.json", "figures/paired_differences.png"} <= set(published)
    assert passed == []


@pytest.mark.parametrize("covered_up", [False, True])
@pytest.mark.parametrize(
    "path", ["tables/primary.csv", "figures/pairs.png", "figures/pairs.svg", "figures/pairs.csv", "summary.json"]
)
def test_another_digest_for_what_does_not_lie_there_fails_naming_it(
    report: Path, whole: dict[str, bytes], path: str, covered_up: bool
) -> None:
    if covered_up:
        sign_anew(report, whole, {path: whole[path] + b"\n"})
    else:
        edit_manifest(report, lambda manifest: entry(manifest, path).update(sha256="0" * 64))

    result = verify(report)

    assert result.outcome == "FAIL"
    assert f"1 {path}: is left out, and the manifest names another than the one that follows" in problems(result)


def test_a_file_that_only_the_manifest_knows_fails(report: Path, whole: dict[str, bytes]) -> None:
    sign_anew(report, whole, {"tables/wishes.csv": b"a\n1\n"})

    assert "1 tables/wishes.csv: does not follow from the data" in problems(verify(report))


def test_a_file_that_the_manifest_forgets_fails(report: Path, whole: dict[str, bytes]) -> None:
    files = {path: content for path, content in whole.items() if path != "tables/primary.csv"}
    sign_anew(report, files, {})

    assert "1 tables/primary.csv: is missing: the data has it" in problems(verify(report))


@pytest.mark.parametrize(("key", "value"), [("bytes", 1), ("rows", 7)])
def test_another_size_for_what_does_not_lie_there_fails(report: Path, key: str, value: int) -> None:
    edit_manifest(report, lambda manifest: entry(manifest, "tables/primary.csv").update({key: value}))

    result = verify(report)

    assert (result.outcome, "manifest.json" in problems(result)) == ("FAIL", True)


@pytest.mark.parametrize("path", ["extra.txt", "tables/extra.csv", "figures/extra.png"])
def test_a_superfluous_file_fails(report: Path, path: str) -> None:
    (report / path).parent.mkdir(exist_ok=True)
    (report / path).write_text("a\n1\n")

    result = verify(report)

    assert result.outcome == "FAIL"
    assert f"0 {path}: is not in the manifest" in problems(result)


def test_without_its_manifest_it_fails(report: Path) -> None:
    (report / MANIFEST).unlink()

    assert "0 manifest.json: is missing" in problems(verify(report))


def test_a_manifest_of_a_time_when_nothing_was_left_out_excuses_nothing(report: Path) -> None:
    edit_manifest(report, lambda manifest: manifest.update(manifest_version=1))

    result = verify(report)

    assert result.outcome == "FAIL"
    assert "0 summary.json: is missing" in problems(result)


@pytest.mark.usefixtures("_elsewhere")
def test_another_environment_that_computes_the_same_bytes_passes(report: Path) -> None:
    assert verify(report).outcome == "PASS-BITWISE"


@pytest.mark.usefixtures("_elsewhere")
@pytest.mark.parametrize(
    ("changes", "outcome", "as_shown"),
    [
        ({"tables/primary.csv": b"a\n1\n"}, "PASS-TOLERANCE", ("tables/primary.csv",)),
        ({"figures/pairs.png": b"png"}, "PASS-TOLERANCE", ()),
    ],
)
def test_numbers_that_do_not_lie_there_are_compared_as_the_text_shows_them(
    report: Path, whole: dict[str, bytes], changes: dict[str, bytes], outcome: str, as_shown: tuple[str, ...]
) -> None:
    sign_anew(report, whole, changes)

    without, result = verify(report), verify(report, tolerance=1e-9)

    assert without.outcome == "CANNOT-RUN"
    assert (result.outcome, result.as_shown) == (outcome, as_shown)


@pytest.fixture
def _other_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify with another version of harness."""
    here = environment()
    monkeypatch.setattr(module, "environment", lambda: {**here, "harness": "9.9", "code_sha256": "0" * 64})


def shown_anew(report: Path, whole: dict[str, bytes], path: str, old: str, new: str) -> None:
    """Change the words of a page, and a table of which rounding changed the last bit, and sign both."""
    text = whole[path].decode()
    assert old in text
    changed = text.replace(old, new, 1).encode()
    (report / path).write_bytes(changed)
    sign_anew(report, whole, {path: changed, "tables/primary.csv": b"a\n1\n"})


@pytest.mark.usefixtures("_other_version")
@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [("6 configurations", "7 configurations", "FAIL"), ("configurations", "configuration", "CANNOT-RUN")],
)
def test_a_text_with_other_numbers_fails_and_one_with_other_words_says_nothing(
    report: Path, whole: dict[str, bytes], old: str, new: str, outcome: str
) -> None:
    shown_anew(report, whole, "report.md", old, new)

    result = verify(report, tolerance=1e-9)

    assert result.outcome == outcome
    assert "report.md: " in problems(result)


@pytest.mark.parametrize("path", ["tables/standing.csv", "details.md"])
def test_a_file_that_another_version_did_not_make_is_not_missed(
    report: Path, whole: dict[str, bytes], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: content for name, content in whole.items() if name not in (path, MANIFEST)}
    (report / path).unlink(missing_ok=True)
    (report / MANIFEST).write_bytes(manifest_of("freeze-or-not", files, read_data(files).runs))
    here = environment()
    assert verify(report, tolerance=1e-9).outcome == "FAIL"
    monkeypatch.setattr(module, "environment", lambda: {**here, "harness": "9.9", "code_sha256": "0" * 64})

    result = verify(report, tolerance=1e-9)

    assert (result.outcome, path in result.not_compared) == ("PASS-TOLERANCE", True)


@pytest.mark.usefixtures("_other_version")
@pytest.mark.parametrize("path", ["details.md", "runs.md"])
def test_numbers_of_a_table_in_another_text_are_compared_too(report: Path, whole: dict[str, bytes], path: str) -> None:
    number = re.search(r"\| (\d+\.\d\d) \|", whole[path].decode())
    assert number
    shown_anew(report, whole, path, number[0], "| 77.77 |")

    result = verify(report, tolerance=1e-9)

    assert (result.outcome, f"1 {path}: found 77.77" in problems(result)) == ("FAIL", True)


@pytest.mark.usefixtures("_elsewhere")
@pytest.mark.parametrize("path", ["report.md", "report.html"])
@pytest.mark.parametrize(("old", "new"), [("6 configurations", "7 configurations"), ("better", "worse")])
@pytest.mark.parametrize("tolerance", [None, 1e-9])
def test_an_edited_environment_excuses_no_other_words_or_numbers(
    report: Path, whole: dict[str, bytes], path: str, old: str, new: str, tolerance: float | None
) -> None:
    shown_anew(report, whole, path, old, new)

    result = verify(report, tolerance)

    assert (result.outcome, f"1 {path}: " in problems(result)) == ("FAIL", True)


@pytest.mark.usefixtures("_other_version")
def test_no_version_excuses_another_mean_at_the_head(report: Path, whole: dict[str, bytes]) -> None:
    mean = re.search(r"^- .(\S+): .* minus ", whole["report.md"].decode(), re.MULTILINE)
    assert mean
    shown_anew(report, whole, "report.md", mean[1], "9.99")

    result = verify(report)

    assert (result.outcome, "the mean difference that follows from the data is" in problems(result)) == ("FAIL", True)


def test_the_data_of_a_published_report_are_those_of_the_whole_one(report: Path, whole: dict[str, bytes]) -> None:
    assert all((report / name).read_bytes() == whole[name] for name in (*SOURCES, MANIFEST))
    published = {path.relative_to(report).as_posix(): b"" for path in report.rglob("*") if path.is_file()}
    left_out = digests_left_out({**published, MANIFEST: whole[MANIFEST]})
    assert set(left_out) == set(whole) - PUBLISHED
