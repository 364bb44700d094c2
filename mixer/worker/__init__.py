"""A room worker: one process that decodes, mixes, composes and encodes for one meeting room."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # blocks of 20 ms are small: a second thread only spins, on a whole processor
