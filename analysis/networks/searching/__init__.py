"""The compiled part of a search over a network: from coordinates to E without the record, and descents."""
