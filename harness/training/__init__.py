"""Training: state in, state and history out. It knows no file, no tracker and no search."""
