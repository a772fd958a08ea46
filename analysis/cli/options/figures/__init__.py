"""Options of figures and animations."""
