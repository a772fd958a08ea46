"""``python -m analysis.cli`` from a checkout."""

from analysis.cli import command

if __name__ == "__main__":
    command()
