"""How pages are read: the envelope, the loop, and pages that are fetched ahead."""
