"""The connector over HTTP against the sandbox."""
