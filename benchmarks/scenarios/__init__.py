"""What is done to the candidates, in rounds that take turns."""
