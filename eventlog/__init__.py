"""What is remembered: every event that was accepted, what each handler made of it, and every failure."""
