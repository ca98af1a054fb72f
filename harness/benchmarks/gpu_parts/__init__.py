"""What `harness bench gpu` measures, part by part, each in a process of its own."""
