"""What is read: lookback scans, windows, and the state that they leave."""
