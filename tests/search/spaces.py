"""Spaces that samplers are tried on: one of three dimensions, and one whose dimensions depend on each other."""

from harness.search.space import AbstractDimension, Choice, Float, Int, Present

SPACE: dict[str, AbstractDimension] = {
    "when": Int(field="growths.0.trigger.step", low=200, high=800, step=200),
    "init": Choice(field="growths.0.operation.init", options=("zeros", "orthogonal", "xavier_uniform")),
    "weight": Float(field="growths.0.loss_weight", low=0.25, high=4, log=True),
}
TREE: dict[str, AbstractDimension] = {
    "where": Choice(field="growths.0.operation.tap", options=("blocks.1", "hidden")),
    "width": Int(field="growths.0.operation.width", low=8, high=32, step=8, when={"where": "blocks.1"}),
    "hidden width": Int(field="growths.0.operation.width", low=1, high=4, log=True, when={"where": "hidden"}),
    "second": Present(field="growths.1"),
    "drop": Float(field="model.dropout", low=0.1, high=0.5, step=0.1),
    "again": Int(field="growths.1.trigger.step", low=500, high=700, step=100, when={"second": True}),
    "deep": Float(field="growths.1.loss_weight", low=0.5, high=2, log=True, when={"second": True, "where": "hidden"}),
}
