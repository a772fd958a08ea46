"""``python -m analysis.cli`` from a checkout."""

from analysis.cli import main

if __name__ == "__main__":
    main()
