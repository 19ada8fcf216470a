"""`python -m tools.draw_states`: draw `docs/states.svg` and `docs/states-dark.svg` from the tables of `gateway.states`.

States and transitions come from the tables; what stands here is only where a state is drawn and on which side a line
leaves. A state or transition without a place here is an error, so the picture cannot be silently incomplete.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.states import DELIVERY, INSTANCE, DeliveryEvent, DeliveryState, InstanceEvent, InstanceState
from tools.drawing import DARK, LIGHT, Palette, Picture, write_variants

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tools.drawing import Point, Tone

DOCS = Path(__file__).parents[1] / "docs"
WIDTH, HEIGHT = 1000, 770
_BOX = (124.0, 44.0)
_State = InstanceState | DeliveryState
_Event = InstanceEvent | DeliveryEvent

_I, _D = InstanceState, DeliveryState
_TONES: dict[_State, Tone] = {
    _I.RECEIVED: "blue", _I.CLEAN: "blue", _I.DONE: "green", _I.HELD: "amber", _I.REFUSED: "red", _I.REJECTED: "red",
    _I.SUPPRESSED: "plain", _I.SUPERSEDED: "plain",
    _D.WAITING: "blue", _D.SENT: "green", _D.CONFIRMED: "green", _D.FAILED: "amber", _D.CANCELLED: "plain",
}  # fmt: skip
_CENTERS: dict[_State, Point] = {
    _I.REFUSED: (98, 150), _I.RECEIVED: (300, 150), _I.CLEAN: (680, 150), _I.DONE: (900, 150),
    _I.HELD: (400, 285), _I.REJECTED: (590, 285), _I.SUPERSEDED: (590, 410), _I.SUPPRESSED: (108, 410),
    _D.WAITING: (200, 590), _D.SENT: (500, 590), _D.CONFIRMED: (800, 590),
    _D.FAILED: (500, 720), _D.CANCELLED: (200, 720),
}  # fmt: skip
_WIDE: dict[_State, float] = {InstanceState.SUPERSEDED: 740.0}

_INSTANCE_LINES: dict[tuple[_State, _State], tuple[Sequence[Point], Point]] = {
    (_I.RECEIVED, _I.CLEAN): ([(362, 150), (618, 150)], (490, 150)),
    (_I.RECEIVED, _I.REFUSED): ([(238, 150), (160, 150)], (200, 150)),
    (_I.RECEIVED, _I.HELD): ([(325, 172), (371, 263)], (340, 218)),
    (_I.HELD, _I.RECEIVED): ([(401, 263), (355, 172)], (392, 206)),
    (_I.RECEIVED, _I.SUPERSEDED): ([(268, 172), (268, 388)], (268, 337)),
    (_I.RECEIVED, _I.REJECTED): ([(310, 172), (310, 358), (590, 358), (590, 307)], (500, 358)),
    (_I.DONE, _I.REJECTED): ([(880, 172), (880, 285), (652, 285)], (790, 285)),
    (_I.HELD, _I.SUPERSEDED): ([(400, 307), (400, 388)], (400, 337)),
    (_I.HELD, _I.CLEAN): ([(440, 263), (618, 166)], (510, 225)),
    (_I.HELD, _I.REJECTED): ([(462, 285), (528, 285)], (495, 321)),
    (_I.CLEAN, _I.REJECTED): ([(650, 172), (606, 263)], (628, 225)),
    (_I.CLEAN, _I.SUPERSEDED): ([(700, 172), (700, 388)], (700, 337)),
    (_I.CLEAN, _I.DONE): ([(742, 141), (838, 141)], (790, 131)),
    (_I.DONE, _I.CLEAN): ([(838, 160), (742, 160)], (790, 172)),
    (_I.DONE, _I.SUPERSEDED): ([(900, 172), (900, 388)], (900, 337)),
}
_DELIVERY_LINES: dict[tuple[_State, _State], tuple[Sequence[Point], Point]] = {
    (_D.WAITING, _D.SENT): ([(262, 581), (438, 581)], (350, 572)),
    (_D.SENT, _D.WAITING): ([(438, 600), (262, 600)], (350, 611)),
    (_D.SENT, _D.CONFIRMED): ([(562, 590), (738, 590)], (650, 590)),
    (_D.CONFIRMED, _D.WAITING): ([(800, 568), (800, 532), (200, 532), (200, 568)], (500, 532)),
    (_D.WAITING, _D.FAILED): ([(240, 612), (442, 698)], (322, 642)),
    (_D.FAILED, _D.WAITING): ([(438, 712), (216, 612)], (330, 672)),
    (_D.SENT, _D.FAILED): ([(500, 612), (500, 698)], (500, 655)),
    (_D.WAITING, _D.CANCELLED): ([(170, 612), (170, 698)], (170, 655)),
    (_D.FAILED, _D.CANCELLED): ([(438, 730), (262, 730)], (350, 730)),
}


def draw(palette: Palette) -> str:
    """Return the picture in one palette.

    Raises
    ------
    KeyError
        A table has a state or transition that has no place in the picture.
    """
    picture = Picture(WIDTH, HEIGHT, title="States of an instance and of a delivery", palette=palette)
    picture.text((30, 32), "Instance: one per acknowledged object", size_px=17, bold=True, anchor="start")
    picture.text(
        (30, 56), "An acknowledged instance is at any moment in exactly one of these.", faint=True, anchor="start"
    )
    picture.dot((300, 92))
    picture.text((312, 92), "acknowledged", anchor="start")
    picture.text(
        (410, 92),
        "(held at once when its bytes differ from an earlier object's of the same UID)",
        anchor="start",
        faint=True,
        size_px=12,
    )
    picture.arrow([(300, 98), (300, 128)])
    _draw(picture, InstanceState, _INSTANCE_LINES, _events(INSTANCE.items()))
    picture.text((108, 444), "the same bytes came again", size_px=12, faint=True)
    picture.text((590, 444), "other bytes under the same UID took its place", size_px=12, faint=True)
    picture.text((30, 490), "Delivery: one per clean instance and target", size_px=17, bold=True, anchor="start")
    _draw(picture, DeliveryState, _DELIVERY_LINES, _events(DELIVERY.items()))
    picture.text(
        (640, 700),
        ["A clean instance with a failed delivery is shown as held;", "one whose deliveries are all sent is done."],
        faint=True,
        anchor="start",
        size_px=12,
    )
    return picture.svg()


def _events(table: Iterable[tuple[tuple[_State, _Event], _State]]) -> dict[tuple[_State, _State], list[str]]:
    """Join the events that lead from one state to the same other one."""
    result: dict[tuple[_State, _State], list[str]] = {}
    for (state, event), after in table:
        result.setdefault((state, after), []).append(event.value)
    return result


def _draw(
    picture: Picture,
    states: type[_State],
    lines: Mapping[tuple[_State, _State], tuple[Sequence[Point], Point]],
    events: Mapping[tuple[_State, _State], Sequence[str]],
) -> None:
    if unknown := lines.keys() - events.keys():
        raise KeyError(*unknown)
    for step in events:
        picture.arrow(lines[step][0])
    for step, names in events.items():
        picture.text(lines[step][1], ", ".join(names), size_px=12.5, halo=True)
    for state in states:
        x, y = _CENTERS[state]
        width = _WIDE.get(state, _BOX[0])
        picture.box(x - width / 2, y - _BOX[1] / 2, width, _BOX[1], _TONES[state], round_px=22)
        picture.text((x, y), state.value, size_px=15, bold=True)


def main() -> None:
    """Write both variants."""
    write_variants(DOCS, "states", {palette.suffix: draw(palette) for palette in (LIGHT, DARK)})


if __name__ == "__main__":
    main()
