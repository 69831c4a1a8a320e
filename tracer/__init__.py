"""Record plain Python and NumPy, go back over every edge, and say what made each gradient."""
