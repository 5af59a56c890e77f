"""Components and models, without the connector."""
