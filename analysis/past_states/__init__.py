"""The state at a time given what was recorded after it: retrodicted, smoothed, and verified by records alone."""
