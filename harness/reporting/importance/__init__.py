"""Which searched fields matter, by several methods."""
