"""Commands that plan an experiment."""
