"""ChaozCode's side of the sandbox, under /v2: one module for each group of endpoints of its reference."""
