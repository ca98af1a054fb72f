import pytest

from harness.staging.study_spec import StudySpec


def test_fields_that_an_earlier_spec_lacks_read_as_what_was_so_then() -> None:
    spec = StudySpec({"arms": {"frozen": {}}, "space": {"when": {"field": "steps"}}})

    assert (spec.sampler.fair, spec.pruner, spec.design.confirms, spec.design.replicates) == (True, {}, False, 1)
    assert (spec.secondary, spec.objectives, spec.published, spec.baselines) == ((), (), (), ())
    assert (spec.base, spec.task, spec.failure_value) == ({}, {}, None)
    assert (spec.space["when"].conditions, spec.space["when"].options, spec.space["when"].logarithmic) == (
        {},
        (),
        False,
    )


@pytest.mark.parametrize(
    ("sampler", "fair"),
    [
        ({"kind": "grid", "points": 3}, True),
        ({"kind": "tpe", "startup": 10}, False),
        ({"kind": "latin_hypercube", "fair": True}, True),  # one that came later says so itself
        ({}, True),
    ],
)
def test_a_sampler_is_fair_if_it_says_so_or_is_one_of_the_first(sampler: dict[str, object], fair: bool) -> None:
    assert StudySpec({"sampler": sampler}).sampler.fair is fair


def test_a_spec_is_the_json_that_it_was_read_from() -> None:
    content = {"name": "s", "design": {"kind": "tuned", "replicates": 5, "confirmation": 3}}

    spec = StudySpec(content)

    assert spec == content
    assert (spec.design.replicates, spec.design.confirmation, spec.design.confirms) == (5, 3, True)
