# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What do many clients do that one does not?
#
# Suppose that you have one good oscillator, the *server*, and several cheap ones, the *clients*, all on the same
# light. Can the clients together steer the server, can each of them, and in which order should they stand? The answer:
# without loss N clients do what one of N times the cooperativity does; at good working points only all of them
# together steer, and none alone; loss makes the first ones useless; the strongest belongs next to the server. You need
# to know that there is steering where E < ½. Everything here is exact and in the steady state, without a record of the
# light.

# %%
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs


def row(cooperativities, *, client_pi, server, server_pi, loss=0.0):
    """Clients of negative mass in the order of the light, and a server of positive mass behind them, in hot baths."""
    clients = [
        cs.Node.from_cooperativity(
            strength,
            name=f"client_{place}",
            mass="negative",
            theta_pi=client_pi,
            bath="hot",
            loss_before=loss * (place > 1),
        )
        for place, strength in enumerate(cooperativities, 1)
    ]
    behind = cs.Node.from_cooperativity(
        server, name="server", mass="positive", theta_pi=server_pi, bath="hot", loss_before=loss
    )
    return cs.Network(nodes=(*clients, behind))


network = row([10, 10, 10], client_pi=0.3, server=45, server_pi=0.37)
print(network.names)

# %% [markdown]
# **Who steers?** A `Steered` names who is steered and by whom, and the steady state of a network has E of any of them.
# We ask for every subset of the three clients.

# %%
E = network.steady().unconditional
clients = network.names[:-1]
subsets = [each for size in (1, 2, 3) for each in combinations(clients, size)]
values = [E[cs.Steered(mode="server", by=each)] for each in subsets]
labels = [" + ".join(each.removeprefix("client_") for each in subset) for subset in subsets]
for label, value in zip(labels, values, strict=True):
    print(f"server given client {label:9} E = {value:.3f}")
assert abs(values[-1] - 0.2688) < 1e-4
assert min(values[:-1]) > 0.7

# %%
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.bar(labels, values, color=["#1f4e9c"] * 6 + ["#d9762b"])
axes.axhline(0.5, color="grey", linewidth=0.8)
axes.set(xlabel="clients that are measured", ylabel=r"$E$ of the server, given them")
plt.show()

# %% [markdown]
# All three steer, E = 0.27, and no two of them do. This is collective steering, which a shared secret needs: the
# clients have to put their results together. `cs.network_steering(network)` gives the same table for any number of
# nodes, and `steering network` prints it from a file.
#
# **Why?** At θ₋ = π/4 a client absorbs and emits alike. Its light then does not act on the next client, since between
# equal masses the drift that one causes in the next is
#
# $$ A_{kj} \propto \Gamma \cos 2\theta , $$
#
# and the light carries the sum of all clients to the server. So N of them are one client of N times the cooperativity,
# exactly. (Just above π/4, so that they are damped.)

# %%
angle = 0.25001
three = row([10, 10, 10], client_pi=angle, server=37, server_pi=0.36).steady()
one = row([30], client_pi=angle, server=37, server_pi=0.36).steady()
all_of_them = cs.Steered(mode="server", by=clients)
by_one = cs.Steered(mode="server", by=("client_1",))
print(f"three of C = 10: {three.unconditional[all_of_them]:.5f}, given the record {three.conditional[all_of_them]:.5f}")
print(f"one of C = 30:   {one.unconditional[by_one]:.5f}, given the record {one.conditional[by_one]:.5f}")
print(f"three, but the last one alone: {three.unconditional[cs.Steered(mode='server', by=clients[-1:])]:.3g}")
assert abs(three.unconditional[all_of_them] - one.unconditional[by_one]) < 1e-6
assert abs(three.conditional[all_of_them] - one.conditional[by_one]) < 1e-6

# %% [markdown]
# **How many?** A `NetworkSearch` lets each client have any angle and any strength up to its own, and the server any at
# all; `best_network` finds the smallest E. We keep all nodes a little away from the edge of stability (γ at least 0.01
# of Γ + γ̃₀), so that no variance is without bound, and do it with and without a loss of 20 % on each path.


# %%
def best(count, loss):
    """The best network of so many clients with C up to 10."""
    start = row([10] * count, client_pi=0.3, server=15 * count, server_pi=0.37, loss=loss)
    steered = cs.Steered(mode="server", by=start.names[:-1])
    search = cs.NetworkSearch(network=start, steered=steered, least_damping=0.01)
    return cs.best_network(search, conditional=False)


numbers, losses = (1, 2, 3, 4), (0.0, 0.2)
found = {loss: [best(count, loss) for count in numbers] for loss in losses}
for loss in losses:
    print(f"loss {loss}: E = " + ", ".join(f"{each.value:.4f}" for each in found[loss]))
lossy = found[0.2][-1]
print(
    "of four clients with loss: ",
    ", ".join(f"{node.name} C = {node.oscillator.cooperativity:.1f}" for node in lossy.network.nodes),
)

# %%
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
for loss, colour, mark in zip(losses, ("#1f4e9c", "#d9762b"), ("o-", "s--"), strict=True):
    axes.plot(numbers, [each.value for each in found[loss]], mark, color=colour, label=f"loss {loss:g} on each path")
axes.set(xlabel="number of clients", ylabel="smallest E of the server", xticks=numbers, ylim=(0, 0.4))
axes.legend(frameon=False)
plt.show()

at_best = {loss: np.array([each.value for each in found[loss]]) for loss in losses}
assert np.allclose(at_best[0.0], [0.28717, 0.21429, 0.17858, 0.15475], atol=2e-5)
assert np.allclose(at_best[0.2], [0.35149, 0.31930, 0.31597, 0.31597], atol=2e-5)
assert lossy.unused == ("client_1",)
assert [round(node.oscillator.angle_pi, 2) for node in found[0.0][3].network.nodes[:4]] == [0.25, 0.25, 0.5, 0.25]

# %% [markdown]
# Without loss every client helps, E falls from 0.287 to 0.155. (Of four, the third is not at π/4 but at π/2, where it
# only absorbs: it records the light that drives those behind it. This is worth 1 %.) With 20 % on each path the third
# client is worth 1 %, and the best thing to do with the fourth is to switch it off: `unused` names it. Its light
# passes three more losses than that of the last client, and what it adds for the server is then more noise than
# signal.
#
# **In which order?** A strong client, C = 10, and a weak one, C = 2, with the same loss. `best_order` also exchanges
# the nodes that steer; the paths stay where they are.

# %%
start = row([10, 2], client_pi=0.3, server=20, server_pi=0.4, loss=0.2)
search = cs.NetworkSearch(network=start, steered=cs.Steered(mode="server", by=start.names[:-1]))
as_given, exchanged = cs.best_network(search, conditional=False), cs.best_order(search, conditional=False)
for title, each in (("strong one first", as_given), ("best order", exchanged)):
    order = ", ".join(
        f"C = {node.oscillator.cooperativity:.1f} at {node.oscillator.angle_pi:.3f} pi" for node in each.network.nodes
    )
    print(f"{title:17} E = {each.value:.4f}: {order}")
assert abs(as_given.value - 0.3707) < 1e-4
assert abs(exchanged.value - 0.3387) < 1e-4
assert exchanged.network.names == ("client_2", "client_1", "server")

# %% [markdown]
# The strong client belongs next to the server, where its light loses least: 0.339 in the place of 0.371.
#
# **What was found.** Clients add up without loss; they steer together and not alone; with loss there is a number
# beyond which another client is worth nothing; and the order matters only because of the loss.
#
# **What to try.**
#
# - `unstable=True` in the search: without the demand for damping the third and the fourth client help, also with loss.
# - Give the search `least_damping=1e-7` and look at `found[0.0][3].most_quanta`: what does the optimum at the very
#   edge cost?
# - `conditional=True`: what is a record of the outgoing light worth to many clients?
#
# Read next: [Many clients, one server](../../analysis/networks/MANY_CLIENTS.md) has servers in series, clients behind
# the server, and what is not proven; the equations are in
# [section 5](../../sim/README.md#5-the-rotating-wave-in-two-amplitudes) and
# [section 8](../../sim/README.md#8-steering-and-its-estimate) of the theory. From a file:
# `steering network network.toml --optimum --best-order`.
