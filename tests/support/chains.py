"""Chains of named oscillators on one light field, built without the functions of the library."""

import numpy as np

from cascade_steering.sim.model.linear_model import ANNIHILATION, LinearModel
from cascade_steering.sim.parameters import Bath, Oscillator
from tests.support.systems import COLD, oscillator

CLIENTS = ("client_1", "client_2")
SERVER = "server"


def chain(
    nodes: dict[str, tuple[Oscillator, int]], *, loss: float = 0.0, lo_phase: float = np.pi / 2, efficiency: float = 1.0
) -> LinearModel:
    """The rotating-wave model of nodes in the order of the light, each an oscillator and the sign of its mass.

    ``loss`` is the power lost before each node but the first; read by homodyne detection.
    """
    d = 2 * len(nodes)
    field, hamiltonian, lost = np.zeros((2, d), dtype=complex), np.zeros((d, d)), []
    for place, (node, sign) in enumerate(nodes.values()):
        a = np.zeros(d, dtype=complex)
        a[2 * place : 2 * place + 2] = ANNIHILATION
        passive, active = np.sqrt(node.beam_splitter_rate) * a, np.sqrt(node.parametric_rate) * a.conj()
        # the sidebands l and u
        own = np.array([passive, active] if sign < 0 else [active, passive])
        damping, occupation = node.bath.linewidth, node.bath.occupation
        thermal = [np.sqrt(damping * (occupation + 1.0)) * a, np.sqrt(damping * occupation) * a.conj()]
        lost += [np.sqrt(loss) * field, np.array(thermal)]
        field = np.sqrt(1.0 - loss) * field
        # H = (1/2i) Σ (L_own† L_field − h.c.) of the series product
        half = np.imag(own.conj().T @ field)
        hamiltonian += half + half.T
        field = field + own
    lower, upper = field
    return LinearModel(
        hamiltonian=hamiltonian,
        monitored=np.exp(-1j * lo_phase) * np.array([lower + upper, 1j * (lower - upper)]) / np.sqrt(2.0),
        efficiency=np.full(2, efficiency),
        unmonitored=np.concatenate(lost),
        record_names=("cosine", "sine"),
        modes=tuple(nodes),
    )


def clients_and_server(
    c_client: float, c_server: float, theta_client_pi: float, theta_server_pi: float, bath: Bath = COLD, **light: float
) -> LinearModel:
    """Two equal oscillators of negative mass, then one of positive mass."""
    client = oscillator(c_client, theta_client_pi, bath)
    nodes = dict.fromkeys(CLIENTS, (client, -1))
    return chain({**nodes, SERVER: (oscillator(c_server, theta_server_pi, bath), 1)}, **light)
