# All public names of both packages.
from cascade_steering import analysis as analysis
from cascade_steering import sim as sim
from cascade_steering.analysis import *  # noqa: F403
from cascade_steering.sim import *  # noqa: F403
