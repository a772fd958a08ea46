"""States after a click: what they are worth, against efficiency and dark rate of the counter."""
