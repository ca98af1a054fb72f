import torch

from harness.training.exemplars import Exemplars, held_among

NAN = torch.nan
STORED = Exemplars(
    torch.tensor([4, 2]), {"known": torch.tensor([[1.0, 2, 3], [4, 5, 6]]), "late": torch.zeros(2, 1)}, 9
)


def test_answers_follow_the_columns_of_an_output_that_grows() -> None:
    grown = STORED.grown({"known": (2, 0, 1, None), "other": (0,)})

    expected = torch.tensor([[3.0, 1, 2, NAN], [6, 4, 5, NAN]])
    torch.testing.assert_close(grown.outputs["known"], expected, equal_nan=True)
    assert (grown.outputs.keys(), grown.seen, grown.indices.tolist()) == (STORED.outputs.keys(), 9, [4, 2])


def test_children_of_a_column_that_was_split_have_no_answer() -> None:
    grown = STORED.grown({"known": (0, 1, 1, 2)})

    torch.testing.assert_close(grown.outputs["known"][0], torch.tensor([1.0, NAN, NAN, 3]), equal_nan=True)


def test_what_is_held_is_found_among_all_examples() -> None:
    every = torch.ones(6)

    assert held_among(STORED, every).tolist() == [False, False, True, False, True, False]
    assert not held_among(None, every).any()
