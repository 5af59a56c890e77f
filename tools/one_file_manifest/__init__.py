"""Builds the connector as one manifest and one components.py."""
