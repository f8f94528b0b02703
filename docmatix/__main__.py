"""`python -m docmatix` is the command `docmatix`."""

import sys

from docmatix.cli import main

if __name__ == "__main__":
    sys.exit(main())
