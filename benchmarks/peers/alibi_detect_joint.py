"""alibi-detect: its detector by maximum mean discrepancy, with the hundred permutations it makes by default.

It holds the kernel of every two rows, which for 100,000 rows a side would take 160 GB.
"""

import numpy as np
from alibi_detect.cd import MMDDrift
from sides import tell, together

MOST_ROWS = 3_000

before, now = together(MOST_ROWS)
found = MMDDrift(before.astype(np.float32), p_val=0.05).predict(now.astype(np.float32))["data"]
tell({"all features": {"rows": len(before), "mmd_squared": found["distance"], "mmd_p_value": found["p_val"]}})
