"""What becomes of rows: filters, times, dropped fields."""
