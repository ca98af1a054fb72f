"""A study's results for scripts and notebooks: data frames, differences, figures, the report."""
