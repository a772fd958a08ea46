"""Parameters of an experiment from its record, by maximum likelihood."""
