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
# # What do my watts and kelvins give, and what should I improve first?
#
# Who plans an experiment knows κ, g₀, a laser power, a quality factor and a temperature. The theory wants
# cooperativities, angles and a loss. This tutorial goes from the first to the second, and from there to E and to a
# list of what each number is worth. The answer for the hardware that
# [arXiv:1901.04250](https://arxiv.org/abs/1901.04250) has in mind: not the cryostat and not the link, but the power of
# the laser and the angle of the spins. You need to know what an optomechanical cavity is, and that measuring the first
# oscillator (−, the spins) steers the second one (+, a membrane) where E₊|₋ < ½.

# %%
import tomllib
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np

import cascade_steering as cs

print(cs.preset_names())
print(cs.preset_text("outlook-2019"))

# %% [markdown]
# Such a file is a setup: tables with units in the names of the numbers. This one is no experiment but the outlook of
# the paper, and each number says whether it is published or assumed. Your own comes from
# `cs.read_setup("laboratory.toml")`; here we take the tables, so that we can change them.
#
# The preset has the coupling g of the driven cavity. A laboratory has a laser power instead, and with the
# single-photon coupling g₀ the cavity does the rest,
#
# $$ n_c = \frac{\kappa_{\rm ex} P}{\hbar\omega_L(\kappa^2/4 + \Delta^2)}, \qquad g = g_0\sqrt{n_c}, \qquad
#    \Gamma_{B,P} = \frac{\kappa g^2}{\kappa^2/4 + (\Delta \pm \Omega)^2} . $$

# %%
tables = tomllib.loads(cs.preset_text("outlook-2019"))
cavity = tables["plus"]["cavity"]
del cavity["coupling_hz"]
cavity.update(vacuum_coupling_hz=100, power_w=0.5e-6, wavelength_m=850e-9)

setup = cs.setup_of(tables, "half a microwatt")
point, light = setup.point, setup.given["plus"]
print(f"{light.photons:.3g} photons, g/2pi = {setup.cavities['plus'].coupling_hz / 1e3:.1f} kHz")
print(f"membrane: {point.bath_plus.occupation:.3g} thermal quanta, C+ = {point.c_plus:.0f}")
print(f"spins: C- = {point.c_minus:.1f}; loss between both {point.loss:.2f}")
damping = [each.damping_rate / (2e3 * np.pi) for each in (point.cascade.minus, point.cascade.plus)]
print(f"damping rates: spins {damping[0]:.1f} kHz, membrane {damping[1]:.1f} kHz")
print(setup.elimination())
assert 1.5e5 < light.photons < 1.54e5
assert 148 < point.c_plus < 149

# %% [markdown]
# So half a microwatt is 1.5·10⁵ photons and C₊ = 148, and there is no steering: E₊|₋ = 0.73. The two rows of each kind
# are the theory of the paper, which eliminates the cavity, and the model that keeps it; they differ by about Γ/κ, here
# by 5 %. From here on the cavity is kept. Given a record of the outgoing light E would be 0.40 already, but suppose
# that nobody measures it.
#
# **Watts and kelvins.** E against the power, for four temperatures of the same membrane, Q = 10⁹.


# %%
def changed(table, **numbers):
    """The tables with some numbers of one of them replaced; "plus.cavity" is the cavity of the membrane."""
    found = deepcopy(tables)
    inside = found
    for name in table.split("."):
        inside = inside[name]
    inside.update(numbers)
    return found


def steering(content, scheme="unconditional"):
    """E of + given -, with the cavity kept."""
    return cs.setup_of(content, "changed").elimination().explicit.E[scheme]["plus_given_minus"]


def at(power, temperature):
    """E at a power in watts and a temperature in kelvin."""
    content = changed("plus.cavity", power_w=power)
    content["plus"]["temperature_k"] = temperature
    return steering(content)


powers, temperatures = np.geomspace(0.3e-6, 10e-6, 30), (0.1, 4.0, 77.0, 300.0)
curves = {kelvin: np.array([at(power, kelvin) for power in powers]) for kelvin in temperatures}
for kelvin, values in curves.items():
    print(f"{kelvin:5g} K: smallest E = {values.min():.3f} at {1e6 * powers[values.argmin()]:.1f} uW")

# %%
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
colours = plt.get_cmap("viridis")(np.linspace(0, 0.75, len(temperatures)))
for (kelvin, values), colour, line in zip(curves.items(), colours, ("-", "--", "-.", ":"), strict=True):
    axes.plot(1e6 * powers, values, line, color=colour, label=f"{kelvin:g} K")
axes.axhline(0.5, color="grey", linewidth=0.8)
axes.set(xscale="log", xlabel="laser power (µW)", ylabel=r"$E_{+|-}$ without the record", ylim=(0.3, 1))
axes.set_xticks([0.3, 1, 3, 10], ["0.3", "1", "3", "10"])
axes.legend(frameon=False)
plt.show()

best = {kelvin: (values.min(), 1e6 * powers[values.argmin()]) for kelvin, values in curves.items()}
assert abs(best[4.0][0] - best[0.1][0]) < 0.005
assert 1.5 < best[4.0][1] < 2.1
assert 0.365 < best[4.0][0] < 0.375
assert 0.48 < best[300.0][0] < 0.5
assert 3 < best[300.0][1] < 5

# %% [markdown]
# Three things are seen.
#
# - There is a best power, 1.8 µW at 4 K. With less, the membrane is slow: it holds what the light brought at a time of
#   which the spins no longer know. With more, it takes up light over a band far wider than that of the spins, and this
#   is mostly noise.
# - From 4 K down nothing is gained: the spins and the light make the noise, not the bath of the membrane. A dilution
#   refrigerator is not needed for this Q.
# - At room temperature there is a little steering left, E = 0.49, at 3.8 µW.
#
# **The budget.** What is each number worth? `error_budget` changes one number at a time, in the file, so that all that
# follows from it changes along (more power softens the membrane, and the spins are retuned). It says by how much E
# falls if the number is 10 % better, and if it is as good as this number alone can be.


# %%
def budget_of(content, title):
    """Print the budget; what 10 % are worth, what the best is worth and where it is, by number."""
    levers = cs.error_budget(content, title)
    scheme, way = "unconditional", "plus_given_minus"
    print(f"{'E falls by, ' + title:30}        now  10% better at its best")
    for each in levers:
        gain, most, limit = each.gain[scheme][way], each.limit_gain[scheme][way], each.limit[scheme][way]
        falls = " ".join(f"{round(100 * part, 1) + 0.0:9.1f} %" for part in (gain, most))
        print(f"{each.name:30} {each.value:10.4g} {falls} at {limit:.3g}")
    return {
        each.name: (each.gain[scheme][way], each.limit_gain[scheme][way], each.limit[scheme][way]) for each in levers
    }


first = budget_of(tables, "half a microwatt")
assert 0.08 < first["plus.cavity.power_w"][0] < 0.10
assert 0.48 < first["plus.cavity.power_w"][1] < 0.51
assert first["plus.temperature_k"][1] < 0.02
assert first["link.loss"][0] < 0

# %% [markdown]
# The laser is the first thing to turn up: it costs nothing, and E halves. g₀ is worth the same, since g₀ and the power
# act through g alone. A colder membrane would gain 1 % at most. And look at the loss of the link: with *less* loss E
# would *rise*. What a slow membrane holds of earlier light is noise to whoever measures the spins now, and loss makes
# it smaller. So a budget holds at one working point only. We take the power, and ask again.

# %%
tables["plus"]["cavity"]["power_w"] = first["plus.cavity.power_w"][2]
print(f"power: {1e6 * tables['plus']['cavity']['power_w']:.2f} uW, E = {steering(tables):.3f}")
second = budget_of(tables, "the best power")
assert abs(steering(tables) - 0.370) < 0.002
assert max(second, key=lambda name: second[name][1]) == "minus.theta_pi"
assert second["link.loss"][0] > 0

# %%
names = [*sorted(first, key=lambda name: first[name][1])[-10:], "link.loss"]
figure, axes = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
rows = np.arange(len(names))
axes.barh(rows + 0.2, [100 * first[name][1] for name in names], height=0.36, color="#1f4e9c", label="at 0.5 µW")
axes.barh(
    rows - 0.2, [100 * second[name][1] for name in names], height=0.36, color="#d9762b", label="at the best power"
)
axes.axvline(0, color="grey", linewidth=0.8)
axes.set_yticks(rows, names)
axes.set(xlabel=r"$E_{+|-}$ falls by, this number alone at its best (%)")
axes.legend(frameon=False, loc="lower right")
plt.show()

# %% [markdown]
# Now the angle θ₋ of the spins is worth most, and the loss counts as one expects it. The budget follows θ₋ down to
# where the spins are no longer damped (θ₋ < ¼): E is then a limit at long times, see
# [beyond the stable region](../../analysis/paper/BEYOND_STABILITY.md). If one demands damped spins, as the paper does,
# `prospects` gives the best that these baths and losses allow, with any angles and strengths (by elimination of the
# cavity).

# %%
ahead = cs.prospects(cs.setup_of(tables, "the best power"))
way = "plus_given_minus"
stable, unstable = (each["unconditional"][way] for each in (ahead.best, ahead.best_unstable))
for name, each in (("damped spins", stable), ("any spins", unstable)):
    pair = each.cascade
    print(
        f"{name:12} E = {each.value:.3f} at theta- = {pair.minus.angle_pi:.3f} pi, theta+ = {pair.plus.angle_pi:.3f} pi"
    )
print(f"steering begins {1e6 * ahead.first_steering_s['unconditional'][way]:.0f} us after the light is switched on")
assert abs(stable.value - 0.286) < 0.001
assert abs(unstable.value - 0.178) < 0.001

# %% [markdown]
# So the same baths, loss and spins would allow 0.286 and, without the demand, 0.178, where half a microwatt gave 0.73.
# The order of improvements is: laser power, angle of the spins, loss of the link, and bath of the spins.
#
# **What to try.**
#
# - `changed("plus", quality=1e7)`: is the cryostat needed now?
# - The published sphere instead of the outlook: `cs.preset_text("delic-2020")`.
# - `scheme="conditional"` in `steering`: with a record of the outgoing light half a microwatt is enough.
#
# Read next: [From the numbers of a laboratory](../../analysis/laboratory/LABORATORY.md) and
# [section 10 of the theory](../../sim/README.md#10-from-the-laboratory). `steering setup laboratory.toml --budget`
# prints the same from a file, for both directions, with and without the record, and for the phases.
