"""What a record tells of the state before it: effects, weak values, and states given past and future."""
