"""Measures the connector beside other readers of the same lists: `make bench`."""
