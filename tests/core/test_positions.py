import torch

from harness.core.positions import by_position


def test_positions_of_one_example_follow_those_of_another() -> None:
    logits, classes = torch.arange(12.0).reshape(2, 2, 3), torch.tensor([[0, 1], [2, 0]])

    flat, truth = by_position(logits, classes)

    assert flat.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert truth.tolist() == [0, 1, 2, 0]


def test_classes_of_whole_examples_stay_as_they_are() -> None:
    logits, classes = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])

    flat, truth = by_position(logits, classes)

    assert torch.equal(flat, logits)
    assert truth is classes
