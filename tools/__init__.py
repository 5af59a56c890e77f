"""Programs that build, release and measure the project."""
