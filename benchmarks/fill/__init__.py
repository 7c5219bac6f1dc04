"""Makes a log of millions of events in minutes: rows as months of use would have left them."""
