"""Changes to rows: filters, times, dropped fields."""
