"""What speaks Weights & Biases: the tracker and the client."""
