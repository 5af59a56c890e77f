"""What makes the forms in which the connector is handed on, besides the wheel."""
