import torch

from harness.data.absent_classes import absent_classes

LABELS = torch.tensor([0, 0, 0, 1, 1, 2])
PARTS = [torch.tensor(rows) for rows in ([0, 3, 5], [1, 4], [2])]


def test_classes_are_named_by_the_parts_that_lack_them() -> None:
    said = absent_classes({"known": (0, 1), "late": ((2, 3),)}, LABELS, PARTS, ["oak", "elm", "ash"])

    assert said == [
        "no examples in the test data of the classes elm (2 in all)",
        "no examples in the validation and test data of the classes ash (1 in all)",
        "no examples in the training, validation and test data of the classes 3 (0 in all)",
    ]


def test_nothing_is_said_where_every_class_is_in_every_part() -> None:
    assert absent_classes({"known": (0,)}, LABELS, PARTS) == []
