"""What scripts, notebooks and the command line have in common; `harness` itself exports what people call."""
