"""Conditions of a fair comparison, checked against the report's own data."""
