"""The rotating-wave approximation: the equations of the amplitudes, closed forms, and demodulation."""
