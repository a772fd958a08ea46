"""The rotating-wave approximation: the equations of its two amplitudes, closed forms, demodulation."""
