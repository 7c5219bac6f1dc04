"""What the imitated ChaozCode remembers, in memory: one module for each kind of thing."""
