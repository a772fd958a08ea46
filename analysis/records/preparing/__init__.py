"""From a file to a record that a filter takes: calibrated, even, without trends and lines."""
