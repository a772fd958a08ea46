"""A local page to play with: a working point moved by hand, its answers at once, and the lines that give them."""
