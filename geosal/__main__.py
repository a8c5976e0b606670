"""``python -m geosal`` is the command ``geosal``."""

from geosal.cli.main import main

if __name__ == "__main__":
    main()
