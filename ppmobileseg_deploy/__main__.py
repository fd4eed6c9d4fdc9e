"""``python -m ppmobileseg_deploy``: the same as ``ppms``."""

import sys

from .cli.ppms import main

if __name__ == "__main__":
    sys.argv[0] = "python -m ppmobileseg_deploy"  # what usage lines show
    main()
