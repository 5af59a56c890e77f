"""What the manifest cannot say: the Python components that it names, one module a concern."""
