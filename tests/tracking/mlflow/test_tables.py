import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.tracking.mlflow.client import create_database
from harness.tracking.mlflow.tables import new_database, tables_are_known


def tables(database: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        defined = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
        return defined + connection.execute("SELECT version_num FROM alembic_version").fetchall()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "harness"


def test_mlflow_builds_its_tables_once_and_they_are_known(tmp_path: Path, cache: Path) -> None:
    built: list[Path] = []

    def create(file: Path) -> None:
        built.append(file)
        create_database(file)

    for name in ("one", "two"):
        new_database(tmp_path / name, create)

    assert built == [tmp_path / "one.unfinished"]
    assert len(list(cache.iterdir())) == 1
    assert tables(tmp_path / "one") == tables(tmp_path / "two")
    with closing(sqlite3.connect(tmp_path / "two")) as connection:
        assert tables_are_known(connection)
        ((place,),) = connection.execute("SELECT artifact_location FROM experiments")
    assert place == str(Path.cwd() / "mlruns" / "0")


def database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "CREATE TABLE experiments "
            "(experiment_id INTEGER, artifact_location TEXT, creation_time INTEGER, last_update_time INTEGER)"
        )


def test_what_has_changed_in_the_cache_is_built_anew(tmp_path: Path, cache: Path) -> None:
    new_database(tmp_path / "one", database)
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1])

    new_database(tmp_path / "two", database)

    assert kept.read_bytes() == whole
    assert (tmp_path / "two").read_bytes() == whole


@pytest.mark.usefixtures("cache")
def test_without_a_cache_each_is_built(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the place of the folder")

    for name in ("one", "two"):
        new_database(tmp_path / name, database)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_without_tables_is_not_known() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        assert not tables_are_known(connection)
