"""The answers of the commands: reports, plain data ready for JSON, and tables."""
