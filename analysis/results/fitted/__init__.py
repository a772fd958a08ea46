"""What a record says of parameters, and what it could say."""
