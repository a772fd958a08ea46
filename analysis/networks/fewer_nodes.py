"""The search over a network with one node less, and its points as points of the search with that node."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.networks.search_box import NetworkBox
from cascade_steering.sim.conventions import mode_index

__all__ = ["lifted", "without_first"]

FloatArray = NDArray[np.float64]


def without_first(box: NetworkBox) -> NetworkBox | None:
    """The box without the first of the nodes that steer and may be without strength, if another one steers as well.

    What the light passes at this node and before it, it passes before the next one. Section 5 of sim/README.md.
    """
    places = sorted(box.coordinates[at].places for at in box.of_kind("share"))
    search = box.search
    if len(search.steered.by) < 2 or not places or len(places[0]) > 1:
        return None
    name = search.network.names[places[0][0]]
    by = tuple(each for each in search.steered.by if mode_index(each, search.network.names) != places[0][0])
    smaller = replace(
        search,
        network=_without(search.network, places[0][0]),
        steered=Steered(mode=search.steered.steered[0], by=by),
        fixed=_but(search.fixed, name),
        fixed_angle=_but(search.fixed_angle, name),
        fixed_strength=_but(search.fixed_strength, name),
    )
    return NetworkBox(smaller, conditional=box.conditional, free_phase=bool(box.of_kind("phase")))


def _but(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(each for each in names if each != name)


def _without(network: Network, place: int) -> Network:
    *before, gone = network.nodes[: place + 1]
    after = list(network.nodes[place + 1 :])
    if after:
        passed = (1.0 - gone.loss_before) * (1.0 - gone.tap) * (1.0 - after[0].loss_before)
        phase = gone.path_phase_pi + after[0].path_phase_pi
        # what comes before the first node is vacuum
        loss = 1.0 - passed if before else after[0].loss_before
        after[0] = replace(after[0], loss_before=loss, path_phase_pi=phase)
    return replace(network, nodes=(*before, *after))


def lifted(box: NetworkBox, smaller: NetworkBox, unit: FloatArray, share: float, turned: float) -> FloatArray:
    """A point of the box without a node as a point of that with it: √ of its share, u of its angle, are given."""
    names, fewer = box.search.network.names, smaller.search.network.names
    known = {
        (each.kind, tuple(fewer[place] for place in each.places)): value
        for each, value in zip(smaller.coordinates, unit, strict=True)
    }
    new = {"share": share, "angle": turned}
    found = [
        known.get((each.kind, tuple(names[place] for place in each.places)), new.get(each.kind, 0.0))
        for each in box.coordinates
    ]
    lifted_unit = np.array(found)
    for at in box.of_kind("ratio"):
        # its range is that of the sum of the cooperativities of all that steer
        strength = smaller.point(unit)[0][smaller.search.last_place]
        lifted_unit[at] = box.ratio_of(float(strength))
    return lifted_unit
