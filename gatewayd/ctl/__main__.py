"""`python -m gatewayd.ctl` is `gatewayctl`."""

import sys

from gatewayd.ctl.command import main

sys.exit(main())
