"""The sandbox's own routes, under /_sandbox: what tests and curious people steer it by."""
