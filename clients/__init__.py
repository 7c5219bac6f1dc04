"""ChaozCode and Chucky, as we call them."""
