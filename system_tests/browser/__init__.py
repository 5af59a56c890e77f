"""The page of the demo in Chromium."""
