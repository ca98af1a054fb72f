"""Examples of growth where people train, each a short file: `python -m harness.integrations.examples.NAME FOLDER`."""
