"""Networks: rows of any number of oscillators on the light, and who steers whom among them."""
