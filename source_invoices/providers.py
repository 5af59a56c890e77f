"""The providers."""

PROVIDERS = {"ipxo": "IPXO", "nexudus": "Nexudus", "payhubix": "Payhubix"}
"""The providers' names for people, by their keys in the configuration and in the manifest."""


def provider_of(stream_name: str) -> str:
    """Returns the key of a stream's provider, which the stream's name begins with."""
    return stream_name.partition("_")[0]
