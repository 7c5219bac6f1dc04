"""ChaozCode REST API v2: one module for each group of its reference."""
