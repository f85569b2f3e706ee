"""Mathematical constants that several modules use."""

import math

EULER_GAMMA = 0.5772156649015329
LOG_TWO = math.log(2.0)
LOG_PI = math.log(math.pi)
LOG_TWO_PI = math.log(2.0 * math.pi)
HALF_LOG_TWO_PI = 0.5 * LOG_TWO_PI
