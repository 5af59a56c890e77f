"""Tests of the waits that the connector ships with, each as a process: their real lengths, and what is said of them."""
