"""What squeezed input light is worth."""
