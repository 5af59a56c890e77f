"""The wheel, installed on each Python version that is here."""
