"""The product on objects of the corpus: bytes in, bytes out, the whole pipeline without eyes for pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.load import load_profile
from config.schema import ModelsConfig, Option, Profile
from pipeline.deidentify import Deidentifier
from pipeline.records import ReceivedInstance
from tests.factories.pixels import BlindReader, Eyes

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))


def header_profile(name: str) -> Profile:
    """Return a shipped profile that leaves pixels alone, so that no model is needed."""
    shipped = load_profile(name)
    pixels = shipped.pixels.model_copy(update={"text": None, "cone": None})
    options = tuple(option for option in shipped.options if option is not Option.CLEAN_PIXEL_DATA)
    return shipped.model_copy(update={"options": options, "pixels": pixels})


def blind_profile(name: str) -> Profile:
    """Return a shipped profile that looks for text in pixels; the runner's eyes find none."""
    shipped = load_profile(name)
    return shipped.model_copy(update={"pixels": shipped.pixels.model_copy(update={"cone": None})})


class HeaderRunner:
    """De-identifies objects one after the other through one file each way.

    Parameters
    ----------
    folder
        Where the two files stand.
    """

    def __init__(self, profile: Profile, folder: Path) -> None:
        self.profile = profile
        self._source, self._output = folder / "in.dcm", folder / "out.dcm"
        eyes = Eyes(text=BlindReader(), cone=None, sha256={"eyes": "0" * 64})
        self._deidentifier = Deidentifier(
            profile=profile,
            key=KEY,
            project="proof",
            models_config=ModelsConfig(),
            opener=lambda config, *, text, cone: eyes,
        )

    def run(self, raw: bytes) -> bytes:
        """Return the bytes of the result.

        Raises
        ------
        Held
            With the product's reason.
        """
        self._source.write_bytes(raw)
        received = ReceivedInstance(
            path=self._source, patient_domain="HOSPITAL", node_name="clinical", size_bytes=len(raw)
        )
        self._deidentifier.run(received, self._output)
        return self._output.read_bytes()
