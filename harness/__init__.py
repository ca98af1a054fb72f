"""The experiment harness for growing neural networks."""

__version__ = "0.2.0"
