"""From the numbers of a laboratory (κ, g₀, watts, kelvin) to the rates and models of the pair, with cavities kept."""
