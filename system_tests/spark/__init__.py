"""The example for Spark, run by Spark."""
