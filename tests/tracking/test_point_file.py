from pathlib import Path

from harness.tracking._point_file import PointFile
from harness.tracking.content.points import Point

POINTS = {Point("train/loss/total", step, 1 / step): step for step in range(1, 4)}


def test_points_are_added_once_and_found_again(tmp_path: Path) -> None:
    file = PointFile(tmp_path / "points")
    again = {**POINTS, Point("train/loss/total", 3, 1 / 3, 1): 3}

    assert file.add(POINTS) == POINTS
    assert list(file.add(again)) == [Point("train/loss/total", 3, 1 / 3, 1)]
    assert PointFile(tmp_path / "points").points == again


def test_a_line_that_a_kill_has_torn_is_cut_off_and_its_point_can_be_added_again(tmp_path: Path) -> None:
    PointFile(tmp_path / "points").add(POINTS)
    whole = (tmp_path / "points").read_bytes()

    for end in range(len(whole)):
        (tmp_path / "points").write_bytes(whole[:end])
        PointFile(tmp_path / "points").add(POINTS)
        assert PointFile(tmp_path / "points").points == POINTS


def test_what_is_not_kept_is_gone(tmp_path: Path) -> None:
    file, last = PointFile(tmp_path / "points"), Point("train/loss/total", 3, 1 / 3)
    file.add(POINTS)

    file.keep({last: 3})

    assert file.points == PointFile(tmp_path / "points").points == {last: 3}
    file.keep({})
    assert not (tmp_path / "points").exists()
