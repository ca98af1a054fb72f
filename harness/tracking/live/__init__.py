"""What runs measure while they train: files that they write and that a delivery reads."""
