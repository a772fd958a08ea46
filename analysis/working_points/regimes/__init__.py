"""Which oscillator steers which around a working point."""
