"""Packing: stages of many runs trained as one, to the bit."""

from harness.training.packing.pack import LARGEST, Packs

__all__ = ["LARGEST", "Packs"]
