"""``python -m cascade_steering``: the command ``steering``."""

from cascade_steering.analysis.cli import command

if __name__ == "__main__":
    command()
