"""How fast the connector is beside what else could read the same lists: `make bench`."""
