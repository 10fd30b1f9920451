"""`python -m cerberus.cli`."""

import sys

from cerberus.cli.main import main

sys.exit(main())
