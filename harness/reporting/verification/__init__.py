"""A report that was written, against its manifest, its data, or another report."""
