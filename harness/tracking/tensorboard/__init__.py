"""What speaks TensorBoard: the tracker, its event files, and the server."""
