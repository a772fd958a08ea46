"""The terminal: answers to standard output, messages to standard error, and what signals do."""
