"""The command `docmatix`, which `python -m docmatix` is too."""

import sys

from docmatix.core.import_path import protect_process


def main() -> int:
    """Run the command line; nothing is imported from the current folder from here on."""
    protect_process()
    from docmatix.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
