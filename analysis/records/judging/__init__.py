"""What white noise gives, and what a record gives instead."""
