"""`python -m mixer.ctl` is `mixerctl`."""

import sys

from mixer.ctl.command import main

sys.exit(main())
