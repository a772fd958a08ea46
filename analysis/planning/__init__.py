"""How long an experiment must measure until its answer is known as well as is wanted."""
