"""Networks that leave the harness: one format a file, each with a model card whose lines load it."""
