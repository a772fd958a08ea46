"""Answers of the commands that plan an experiment."""
