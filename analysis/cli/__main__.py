"""``python -m cascade_steering.analysis.cli``: the command ``steering``."""

from cascade_steering.analysis.cli import command

if __name__ == "__main__":
    command()
