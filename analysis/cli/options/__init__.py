"""The options of the commands, configuration files, and the physical objects that they describe."""
