"""What the tests share: running the connector, a stock manifest, reading the page of the demo."""
