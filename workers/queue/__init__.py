"""Third step: enqueue. The way from the log to the workers: RQ jobs that carry event ids only."""
