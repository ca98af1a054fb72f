"""Spaces: units that several layers write to and read from, found without tracing the network."""
