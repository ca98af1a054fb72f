from pathlib import Path

import pytest

from harness.tracking.csv_files import RunTable

ROWS = (
    {"run": "trial 0", "identity": "a", "params/lr": "0.1", "tags/reason": "NaN\nat step 3"},
    {"run": "trial 1", "identity": "b", "params/lr": "0.2"},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    table = RunTable(tmp_path / "runs.csv")
    for row in ROWS:
        table.put(row)
    return tmp_path / "runs.csv"


def test_a_row_is_added_without_writing_the_others_anew(file: Path) -> None:
    before, inode = file.read_bytes(), file.stat().st_ino

    RunTable(file).put({"run": "trial 2", "identity": "c"})

    assert file.read_bytes() == before + b"trial 2,c,,\n"
    assert file.stat().st_ino == inode


def test_a_new_column_is_empty_in_the_rows_before(file: Path) -> None:
    RunTable(file).put({"run": "trial 2", "identity": "c", "final/loss": "1.5"})

    assert file.read_text().splitlines()[0] == "run,identity,params/lr,tags/reason,final/loss"
    assert "trial 1,b,0.2,,\n" in file.read_text()


@pytest.mark.parametrize("put", [ROWS[0], ROWS[1], {"run": "trial 2", "identity": "c"}])
def test_wherever_a_kill_tears_the_file_the_rows_that_are_put_again_mend_it(file: Path, put: dict[str, str]) -> None:
    whole = file.read_bytes()

    for end in range(len(whole)):
        file.write_bytes(whole[:end])
        table = RunTable(file)
        for row in (*ROWS, put):
            table.put(row)
        mended = RunTable(file)
        assert mended._is_whole
        assert {**mended._rows, put["identity"]: put} == {row["identity"]: row for row in (*ROWS, put)}
