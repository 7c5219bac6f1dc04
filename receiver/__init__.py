"""The public door: verifies what comes in, makes it durable, and only then says 202."""
