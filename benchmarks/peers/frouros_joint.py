"""frouros: its detector by maximum mean discrepancy, with a hundred permutations, each of which takes the kernel anew."""

from functools import partial

import numpy as np
from frouros.callbacks import PermutationTestDistanceBased
from frouros.detectors.data_drift import MMD
from frouros.utils.kernels import rbf_kernel
from scipy.spatial.distance import pdist
from sides import tell, together

MOST_ROWS = 2_000
PERMUTATIONS = 100

before, now = together(MOST_ROWS)
width = float(np.median(pdist(before[:500])))
test = PermutationTestDistanceBased(num_permutations=PERMUTATIONS, num_jobs=1, method="conservative", random_state=1)
detector = MMD(kernel=partial(rbf_kernel, sigma=width), callbacks=[test])
detector.fit(X=before)
distance, log = detector.compare(X=now)
p_value = log["PermutationTestDistanceBased"]["p_value"]
tell({"all features": {"rows": len(before), "mmd_squared": distance.distance, "mmd_p_value": p_value}})
