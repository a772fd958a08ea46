"""``python -m analysis.cli`` from a checkout."""

from cascade_steering.analysis.cli import command

if __name__ == "__main__":
    command()
