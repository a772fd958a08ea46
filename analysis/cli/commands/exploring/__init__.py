"""The command that opens a page in a browser."""
