"""Whether a unit of measurement is one of UCUM's: prefixes, atoms, exponents, `.` and `/`, known annotations.

UCUM lets anybody write anything between braces, and its letters alone spell names; so a unit counts only when every
part of it is known. Rule of the file: the standard's tables are not needed here, only UCUM's grammar (UCUM 2.1).
"""

from __future__ import annotations

import re
from functools import lru_cache

_PREFIXES = ("da", *"YZEPTGMkhdcmunpfazy", "Ki", "Mi", "Gi", "Ti")
_METRIC_TEXT = """
m g s rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv L l t ar u eV pc bar B Np R RAD RED REM
Ci dyn erg P G Gal Oe Mx St ph sb Lmb Ky cal eq osm kat U bit By Bd g% st mho m[Hg] m[H2O] [iU] [IU] [g] [G] [c]
[h] [k] [eps_0] [mu_0] [e] [m_e] [m_p] [ly] gf [p'diop] B[SPL] B[V] B[mV] B[uV] B[W] B[kW] [arb'U] [PRU]
"""
_METRIC = frozenset(_METRIC_TEXT.split())
_NOT_METRIC_TEXT = """
% 10* 10^ [pi] [ppth] [ppm] [ppb] [pptr] ppm min h d a a_t a_j a_g wk mo mo_s mo_j mo_g deg gon ' '' AU [in_i]
[ft_i] [yd_i] [mi_i] [nmi_i] [kn_i] [sin_i] [sft_i] [cin_i] [cft_i] [in_us] [ft_us] [mi_us] [lb_av] [oz_av]
[gr] [dr_av] [stone_av] [lbf_av] [psi] [degF] [degR] [gal_us] [pt_us] [qt_us] [foz_us] [bu_us] [gal_br] [pH]
[hnsf'U] [MET] [Ch] [drp] [diop] diop [wood'U] [HPF] [LPF] [car_Au] [smoot] [mesh_i] atm att [m/s2/Hz^0.5]
%[slope] [in_i'Hg] [in_i'H2O] [Btu] [Cal] [HP] circ sph [100]g [100]ml [RFU] [CFU] [PFU]
"""
_NOT_METRIC = frozenset(_NOT_METRIC_TEXT.split())
_ANNOTATIONS_TEXT = """
ratio count counts cps propcounts beats beat pixel pixels voxel voxels frame frames event events cell cells score
MU Particles Tissue WetWeight SUVbw SUVlbm SUVbsa SUVibw SUVlbm(James128) SUVlbm(Janma) H.B. bpm rpm stops
copies percent index grayscale slices turns no_units 1 1.73_m2 Ratio
"""
_ANNOTATIONS = frozenset(_ANNOTATIONS_TEXT.split())
_PART = re.compile(r"(?P<unit>[^./{}()]*)(?:\{(?P<note>[^{}]{1,20})\})?")
_EXPONENT = re.compile(r"(?<=[^0-9+-])[+-]?[0-9]{1,2}$")
_FACTOR = re.compile(r"[0-9]{1,4}|10[*^][+-]?[0-9]{1,2}", re.ASCII)
_LONGEST = 40


@lru_cache(maxsize=1024)
def is_unit(text: str) -> bool:
    """Tell whether a text is a unit of UCUM (case-sensitive form) without anything unknown in it."""
    if not 0 < len(text) <= _LONGEST:
        return False
    flat = text.removeprefix("/").replace("(", "").replace(")", "") if "{" not in text else text.removeprefix("/")
    return all(_is_component(part) for part in re.split(r"[./](?![^{]*\})(?![^\[]*\])", flat))


def _is_component(part: str) -> bool:
    match = _PART.fullmatch(part)
    if match is None:
        return False
    unit, note = match["unit"], match["note"]
    if note is not None and note not in _ANNOTATIONS:
        return False
    return _is_simple(unit) if unit else note is not None


def _is_simple(unit: str) -> bool:
    if _FACTOR.fullmatch(unit) or _is_atom(unit):
        return True
    bare = _EXPONENT.sub("", unit)
    return bare != unit and _is_atom(bare)


def _is_atom(unit: str) -> bool:
    if unit in _METRIC or unit in _NOT_METRIC:
        return True
    return any(unit.startswith(prefix) and unit[len(prefix) :] in _METRIC for prefix in _PREFIXES)
