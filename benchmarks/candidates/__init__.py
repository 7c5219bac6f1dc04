"""What is measured: this project, and others, each started as its users start it."""
