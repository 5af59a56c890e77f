"""The image in containers, against the sandbox."""
