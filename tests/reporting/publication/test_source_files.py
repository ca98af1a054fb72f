import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
from pandas.testing import assert_frame_equal

from harness.reporting.data.collect import collect
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.source_files import SOURCES, read_data, written_data
from harness.staging.ledger import Ledger, StudyOrigin
from harness.staging.workspace import Workspace

MakeHome = Callable[..., Path]
StudyDataOf = Callable[..., StudyData]


def test_data_is_read_back_as_it_was_collected(finished_data: StudyData) -> None:
    data = finished_data

    back = read_data(written_data(data, {}))

    assert_frame_equal(back.runs, data.runs, check_exact=True)
    assert_frame_equal(back.curves, data.curves, check_exact=True)
    assert (back.study, back.lost, back.origin) == (data.study, data.lost, data.origin)


def test_writing_what_was_read_gives_the_same_bytes(finished_data: StudyData) -> None:
    files = written_data(finished_data, {"python": "3"})

    assert written_data(read_data(files), {"python": "3"}) == files
    assert set(files) == set(SOURCES)


def test_searched_leaves_and_lists_keep_their_shape(study_data: StudyDataOf) -> None:
    leaves = ({"kind": "at_step", "step": 3}, {"kind": "any", "of": [1, 2]}, None)
    data = study_data(trials=4, seeds=1)
    drawn = [leaves[trial % len(leaves)] for trial in data.runs["trial"]]
    data = replace(data, runs=data.runs.assign(**{"param/where": pd.Series(drawn, dtype=object)}))

    back = read_data(written_data(data, {}))

    assert back.runs["param/where"].tolist() == data.runs["param/where"].tolist()


def test_no_runs_are_data_too(study_data: StudyDataOf) -> None:
    data = study_data(trials=0, seeds=0)

    back = read_data(written_data(data, {}))

    assert (len(back.runs), len(back.curves)) == (0, 0)
    assert list(back.curves.columns) == list(data.curves.columns)


def test_how_the_study_was_called_is_kept(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1)
    Ledger(home).save_origin("freeze-or-not", StudyOrigin("freezing", ("steps=50",)))

    files = written_data(collect(Workspace(home), "freeze-or-not"), {})

    assert json.loads(files["study.json"])["called"] == {"source": "freezing", "changes": ["steps=50"]}
    assert read_data(files).origin == StudyOrigin("freezing", ("steps=50",))


def test_earlier_forms_of_the_spec_are_kept_where_there_are_any(finished_data: StudyData) -> None:
    data = finished_data
    before = replace(data, earlier=({"arms": {"b": {}, "a": {}}},))

    files, without = written_data(before, {}), written_data(data, {})

    assert read_data(files).earlier == before.earlier
    assert written_data(read_data(files), {}) == files
    assert "earlier_forms_of_spec" not in json.loads(without["study.json"])


def test_runs_can_be_read_without_this_package(finished_data: StudyData, tmp_path: Path) -> None:
    files = written_data(finished_data, {})
    (tmp_path / "runs.parquet").write_bytes(files["data/runs.parquet"])

    runs = pd.read_parquet(tmp_path / "runs.parquet")

    assert json.loads(runs["param/when"][0]) in (150, 250, 325)
