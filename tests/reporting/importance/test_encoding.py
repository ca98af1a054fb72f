from typing import Any

import numpy as np

from harness.reporting.importance.encoding import encoded


def test_numbers_have_a_column_and_everything_else_one_for_each_value() -> None:
    fields: dict[str, list[Any]] = {
        "width": [16, 64, 16],
        "init": ["zeros", "copy", "zeros"],
        "on": [True, False, True],
    }

    found = encoded(fields, np.random.default_rng(0))

    assert found.names == ("width", "init", "on")
    assert found.settings == ((16.0, 64.0), ("copy", "zeros"), (False, True))
    assert found.inputs.tolist() == [[16, 0, 1, 0, 1], [64, 1, 0, 1, 0], [16, 0, 1, 0, 1]]
    assert [weights.tolist() for weights in found.weights] == [[2, 1], [1, 2], [1, 2]]


def test_the_grid_sets_one_field_and_leaves_the_others() -> None:
    found = encoded({"width": [1, 2], "init": ["a", "b"]}, np.random.default_rng(0))

    assert found.grid.reshape(4, 2, 3)[0].tolist() == [[1, 1, 0], [1, 0, 1]]
    assert found.grid.reshape(4, 2, 3)[2].tolist() == [[1, 1, 0], [2, 1, 0]]


def test_a_field_that_was_not_varied_is_left_out() -> None:
    assert encoded({"same": [3, 3, 3]}, np.random.default_rng(0)).names == ()
    assert encoded({}, np.random.default_rng(0)).inputs.size == 0


def test_leaves_lists_and_what_is_missing_are_values_like_others() -> None:
    values = [{"kind": "at_step", "step": 3}, None, np.nan, [1, 2], {"kind": "at_step", "step": 3}]

    found = encoded({"when": values}, np.random.default_rng(0))

    assert len(found.settings[0]) == 4
    assert found.weights[0].sum() == 5


def test_many_numbers_are_looked_at_in_sixteen_quantiles_before_a_hundred_configurations() -> None:
    found = encoded({"weight": list(range(1_000))}, np.random.default_rng(0))

    assert len(found.settings[0]) == 16
    assert found.background.shape == (100, 1)
    assert found.grid.shape == (1_600, 1)


def test_few_numbers_have_places_in_their_order_and_many_fifty_equally_far_apart() -> None:
    few = encoded({"width": [64, 16, 64, 32]}, np.random.default_rng(0)).scales[0]
    many = encoded({"weight": np.linspace(0, 49, 197).tolist()}, np.random.default_rng(0)).scales[0]

    assert (few.positions.tolist(), few.steps, few.ordered) == ([2, 0, 2, 1], 3, True)
    assert many.steps == 50
    assert many.positions[[0, 2, 3, 4, 196]].tolist() == [0, 0, 1, 1, 49]


def test_numbers_drawn_by_their_logarithm_lie_evenly_on_it() -> None:
    values = np.geomspace(0.01, 10, 50).tolist()

    scale = encoded({"weight": values}, np.random.default_rng(0), ["weight"]).scales[0]

    assert scale.positions.tolist() == list(range(50))


def test_words_have_places_without_order() -> None:
    scale = encoded({"init": ["zeros", "copy", "zeros"]}, np.random.default_rng(0)).scales[0]

    assert (scale.positions.tolist(), scale.steps, scale.ordered) == ([1, 0, 1], 2, False)


def test_a_number_that_does_not_always_exist_has_a_column_for_whether_it_does() -> None:
    found = encoded({"width": [16, np.nan, 64, 64, np.nan, np.nan]}, np.random.default_rng(0))

    assert found.inputs.tolist() == [[16, 1], [64, 0], [64, 1], [64, 1], [64, 0], [64, 0]]
    assert found.grid.reshape(3, 6, 2)[:, 0].tolist() == [[16, 1], [64, 1], [64, 0]]
    assert found.weights[0].tolist() == [1, 2, 3]
    assert found.settings[0][:2] == (16, 64)
    assert np.isnan(found.settings[0][2])


def test_many_numbers_that_do_not_always_exist_weigh_as_often_as_they_were_run() -> None:
    found = encoded({"weight": [*range(160), *[np.nan] * 40]}, np.random.default_rng(0))

    assert found.weights[0].tolist() == [*[10.0] * 16, 40.0]


def test_what_never_exists_is_not_varied() -> None:
    assert encoded({"weight": [np.nan, np.nan]}, np.random.default_rng(0)).names == ()
