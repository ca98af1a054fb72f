from harness.reporting.publication.published_files import PUBLISHED, SHOWN, is_published, published_files
from harness.reporting.sections import GLANCE, SECTIONS


def test_what_people_read_and_the_data_are_published_and_nothing_else() -> None:
    files = dict.fromkeys(
        (*PUBLISHED, "summary.json", "tables/runs.csv", "figures/pairs.png", "figures/learning_curves.svg"), b""
    )

    assert set(published_files(files)) == PUBLISHED


def test_everything_follows_from_files_that_are_published() -> None:
    assert all(map(is_published, ("data/runs.parquet", "data/curves.parquet", "study.json", "environment.json")))


def test_figures_of_the_text_are_figures_of_the_report() -> None:
    seen = {make.__name__ for make in (*GLANCE, *(make for section in SECTIONS for make in section.shown))}

    assert {f"{name}_figure" for name in SHOWN} <= seen
