"""The examples, with the programs that run them."""
