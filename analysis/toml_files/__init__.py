"""Files of numbers in TOML: how their tables are read, and what is said of a wrong entry."""
