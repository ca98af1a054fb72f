"""Weights that are computed from other tensors, such as those of weight norm, and how these grow with them."""

from harness.growth.computed_weights.as_plain import grown_as_plain

__all__ = ["grown_as_plain"]
