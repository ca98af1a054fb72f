"""How what is committed and what is live reaches a tracker: a process beside the training, or `harness sync`."""
