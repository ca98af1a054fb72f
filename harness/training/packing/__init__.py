"""Packing: stages of many runs trained as one, to the bit."""

from harness.training.packing.pack import Packs

__all__ = ["Packs"]
