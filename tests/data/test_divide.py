import torch

from harness.data import Parts, Split, divide
from harness.data.sources import DatasetItems

LABELS = torch.arange(40) % 2


def test_sources_and_tensors_are_divided_alike() -> None:
    rows = torch.arange(40.0)[:, None]
    groups = torch.arange(40) // 4

    one = divide(Split(rows, LABELS), Parts(), {"known": (0, 1)}, groups=groups)
    other = divide(Split(DatasetItems(rows), LABELS), Parts(), {"known": (0, 1)}, groups=groups)  # type: ignore[arg-type]

    assert other.train.source is not None
    assert torch.equal(other.train.source.whole(), one.train.inputs)
    assert torch.equal(other.test.labels, one.test.labels)
    assert one.groups is not None
    assert set(one.groups.tolist()).isdisjoint((one.train.inputs.long() // 4).flatten().tolist())
