import pytest

from harness.staging.not_begun import not_begun

ADVICE = "harness run STUDY begins one, --home names another home"


@pytest.mark.parametrize(
    ("study", "begun", "said"),
    [
        ("tiny", [], f"no study 'tiny' was begun in runs; {ADVICE}"),
        (None, [], f"no study was begun in runs; {ADVICE}"),
        (
            "tiney",
            ["tiny", "big"],
            f"no study 'tiney' was begun in runs. Did you mean 'tiny'? There are: tiny, big. {ADVICE}",
        ),
        ("zzz", ["tiny"], f"no study 'zzz' was begun in runs. There are: tiny. {ADVICE}"),
    ],
)
def test_it_names_what_was_begun_and_what_to_do(study: str | None, begun: list[str], said: str) -> None:
    assert str(not_begun(study, "runs", begun)) == said
