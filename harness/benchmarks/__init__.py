"""Benchmarks of the project's own: figures with targets, measured as ratios within one process."""
