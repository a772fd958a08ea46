"""What the commands are told: options, configuration files, and the physical objects that they describe."""
