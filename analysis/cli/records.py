"""Commands for records from outside."""
