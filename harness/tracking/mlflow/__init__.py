"""What speaks MLflow: the tracker, the client, and the UI with its pages."""
