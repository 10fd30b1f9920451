"""All steps, with whichever client this environment has: `python scenario.py RESULTS`."""

import sys
from pathlib import Path

import steps
import steps_genai
import steps_records
import steps_refused
import steps_training

MODULES = (steps_records, steps_training, steps_genai, steps_refused)
"""Each has put its steps into the table when it was imported; they are taken in this order."""

if __name__ == "__main__":
    steps.run_all(MODULES, Path(sys.argv[1]))
