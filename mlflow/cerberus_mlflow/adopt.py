"""`python -m cerberus_mlflow.adopt`: see `cerberus_mlflow.adoption`."""

import sys

from cerberus_mlflow.adoption.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
