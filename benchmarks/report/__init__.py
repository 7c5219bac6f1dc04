"""From figures to a table and a plot in docs/performance.md."""
