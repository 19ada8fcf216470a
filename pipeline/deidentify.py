"""From received bytes and a profile to a verified, de-identified object: the stages in order, on one screen.

Header, plan, write, verify, mend. Whatever goes wrong ends as `Held` with a reason, and then there is no output,
except beside the two reasons whose scrubbed and redacted result a person may release. Same input, key, profile and
models: the same bytes.
"""

from __future__ import annotations

import errno
import hashlib
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol

from config.schema import profile_sha256
from models.errors import ModelFailed, ModelUnavailable
from pipeline.clip_text import Scanner
from pipeline.copy_pixels import can_copy, changes_no_pixel, copy_pixels, verify_copy
from pipeline.device_masks import device_redactions
from pipeline.frames.aside import decoded_once
from pipeline.frames.read import OpenInstance, open_instance
from pipeline.frames.silence import quiet_libraries
from pipeline.frames.syntaxes import SYNTAXES
from pipeline.frames.write import write_instance
from pipeline.header.classes import check_class
from pipeline.header.identity import Identities
from pipeline.header.kinds import Kind
from pipeline.header.scrub import ScrubbedHeader, scrub_header
from pipeline.header.visual_features import check_visual_features
from pipeline.inpainting import can_fill
from pipeline.plan import NO_CONE, RedactionPlan, cropped_plan, grid_of, masking
from pipeline.reasons import Held, PipelineError, Reason, TryLater
from pipeline.records import ConeFinding, ConeOutcome, DeidentifiedInstance, Findings, ReceivedInstance
from pipeline.redact import Output, choose_output, write_redacted
from pipeline.references import NO_CROPS, crop_of_frames, with_moved_places
from pipeline.text_search import KeepRule, find_text
from pipeline.verify import verify_identity, verify_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from config.schema import ModelsConfig, Profile
    from pipeline.detectors import ConeSegmenter, TextReader
    from pipeline.frames.stream import Frames
    from pipeline.plan import ConeArea
    from pipeline.references import KnownCrops
    from pipeline.video import VideoOutput

LONGEST_MENDING = 2
"""How often text that the verification found is redacted before the object is held."""
_READ_BYTES = 1 << 20
_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}
_WITH_PIXELS = frozenset({Kind.IMAGE, Kind.GRID})
_NO_PIXELS = Findings(
    frames=0,
    redacted_fraction=0.0,
    cone=ConeFinding(outcome=ConeOutcome.NOT_APPLICABLE, confidence=0.0, box=None),
    text=(),
    plan=None,
)


class OpenedModels(Protocol):
    """What `models.catalog.open_models` gives, as far as it is used here."""

    @property
    def text(self) -> TextReader:
        """Finds and reads text."""
        ...

    @property
    def cone(self) -> ConeSegmenter | None:
        """Finds the ultrasound cone; None where it was not asked for."""
        ...

    @property
    def sha256(self) -> Mapping[str, str]:
        """Hash of every opened model, by its name."""
        ...


class Deidentifier:
    """Everything one process needs to de-identify under one profile and project.

    Parameters
    ----------
    key
        At least 32 random bytes.
    project
        Identities differ between projects; may be empty.
    models_config
        Which models, and on what device.
    opener
        Opens them; `models.catalog.open_models`, unless a test looks with other eyes.

    Notes
    -----
    Models are opened by the first object that needs them and then stay open; while they cannot be opened every object
    is held as `MODEL_UNAVAILABLE`, and the next one tries again. They do not survive a fork, and library warnings are
    silenced for the whole process while `run` works: one `Deidentifier`, one process, one thread.
    """

    def __init__(
        self,
        *,
        profile: Profile,
        key: bytes,
        project: str,
        models_config: ModelsConfig,
        opener: Callable[..., OpenedModels] | None = None,
    ) -> None:
        self.profile = profile
        self.profile_sha256 = profile_sha256(profile)
        self.identities = Identities(key, project)
        self._models_config = models_config
        self._opener = opener or _open_models
        self._opened: OpenedModels | None = None

    def open(self) -> Mapping[str, str]:
        """Open the models that the profile needs, and return their hashes by name.

        Raises
        ------
        Held
            `MODEL_UNAVAILABLE` where one is missing, altered or broken.
        """
        pixels = self.profile.pixels
        if pixels.text is None and pixels.cone is None:
            return {}
        if self._opened is None:
            detector = pixels.text.detector if pixels.text else "ppocr"
            try:
                self._opened = self._opener(self._models_config, text=detector, cone=pixels.cone is not None)
            except ModelUnavailable as error:
                raise Held(Reason.MODEL_UNAVAILABLE, str(error)) from error
        return self._opened.sha256

    def run(self, received: ReceivedInstance, output: Path, *, crops: KnownCrops = NO_CROPS) -> DeidentifiedInstance:
        """De-identify one object.

        Parameters
        ----------
        received
            Read, never written.
        crops
            What was left of images that left before, by their source SOP Instance UID: objects whose coordinates lie
            in images that the profile crops are held where it is not known here.
        output
            Where the result is written, over what may be there; nothing is there afterwards if this raises, unless
            `Held.result` names it.

        Raises
        ------
        Held
            Whatever the cause, with its reason.
        """
        with (
            _only_held(output),
            quiet_libraries(),
            open_instance(received.path) as source,
            decoded_once(source.frames, output.parent),
        ):
            self.open()
            kind, scrubbed = self.scrub(source, received, crops=crops)
            if source.frames is None:
                return self._without_pixels(source, scrubbed, output)
            if kind is Kind.GRID:
                return self._as_computed(source, source.frames, scrubbed, output, crops)
            keep = self._keep_rule(scrubbed)
            plan = self._plan(source, source.frames, keep)
            if changes_no_pixel(self.profile) and can_copy(source.frames):
                return self._copied(source.frames, scrubbed, plan, output, text_is_gone=False)
            return self._write_until_clean(source.frames, scrubbed, plan, keep, output)

    def scrub(
        self, source: OpenInstance, received: ReceivedInstance, *, crops: KnownCrops = NO_CROPS
    ) -> tuple[Kind, ScrubbedHeader]:
        """Return what an opened object is, and its scrubbed header: all that comes before pixels; a dry run ends here.

        Raises
        ------
        Held
            As `check_class`, `check_visual_features`, `with_moved_places` and `scrub_header`; `UNDECODABLE` for an
            image without pixel data.
        """
        kind = check_class(source.header, self.profile)
        if source.frames is not None:
            check_visual_features(source.header, self.profile)
        elif kind in _WITH_PIXELS and "Rows" in source.header:
            raise Held(Reason.UNDECODABLE, "an image without pixel data")
        elif source.source_syntax_uid not in SYNTAXES:
            raise Held(Reason.UNDECODABLE, "a transfer syntax that this version does not write")
        return kind, scrub_header(
            with_moved_places(source.header, kind, self.profile, crops),
            profile=self.profile,
            identities=self.identities,
            patient_domain=received.patient_domain,
            node_name=received.node_name,
        )

    @property
    def _text(self) -> TextReader | None:
        return self._opened.text if self._opened is not None and self.profile.pixels.text is not None else None

    @property
    def _cone(self) -> ConeSegmenter | None:
        return self._opened.cone if self._opened is not None else None

    def _plan(self, source: OpenInstance, frames: Frames, keep: KeepRule) -> RedactionPlan:
        pixels, d = self.profile.pixels, frames.description
        masks = device_redactions(source.header, pixels, rows=d.rows, columns=d.columns, frames=d.frames)
        area = self._cone_area(source, frames, masks_fit=bool(masks))
        text = () if self._text is None else find_text(frames, self._text, area, keep)
        return RedactionPlan(
            rows=d.rows,
            columns=d.columns,
            frames=d.frames,
            grid=grid_of(d),
            cone=area,
            redactions=(*masks, *masking(text, d.rows, d.columns)),
            text=text,
            fills_in=self._fills_in(frames),
        )

    def _fills_in(self, frames: Frames) -> bool:
        d, text = frames.description, self.profile.pixels.text
        return (
            text is not None
            and text.fill == "inpaint"
            and not frames.syntax.is_video
            and can_fill(
                d.dtype,
                samples=d.samples,
                has_palette=frames.presentation.palette is not None,
                is_subsampled=d.is_subsampled and not frames.syntax.is_lossy_jpeg,
            )
        )

    def _cone_area(self, source: OpenInstance, frames: Frames, *, masks_fit: bool) -> ConeArea:
        if self.profile.pixels.cone is None:
            return NO_CONE
        from pipeline.cone_area import find_cone_area  # noqa: PLC0415  15 MB of libraries that a header job never needs

        cone = self.profile.pixels.cone
        if frames.syntax.is_video:  # its syntaxes allow few sizes
            cone = cone.model_copy(update={"crop": False})
        return find_cone_area(frames, source.header, cone, self._cone, masks_fit=masks_fit)

    def _write_until_clean(
        self, frames: Frames, scrubbed: ScrubbedHeader, plan: RedactionPlan, keep: KeepRule, output: Path
    ) -> DeidentifiedInstance:
        scanner = None if self._text is None or not self.profile.pixels.verify else Scanner(self._text, strict=True)
        for mended in range(LONGEST_MENDING + 1):
            written = self._write(frames, scrubbed, plan, output, text_is_gone=scanner is not None)
            residual = verify_pixels(output, written, scanner, keep)
            if not residual:
                result = self._result(scrubbed, written.syntax.uid, written.plan.findings(), output)
                if plan.cone.in_doubt:
                    raise Held(Reason.CONE_UNCERTAIN, plan.cone.doubt, result=result)
                return result
            if mended < LONGEST_MENDING:
                plan = plan.with_more(masking(residual, plan.rows, plan.columns), residual)
        written = self._write(frames, scrubbed, plan, output, text_is_gone=False)
        verify_pixels(output, written, None, keep)
        result = self._result(scrubbed, written.syntax.uid, written.plan.findings(), output)
        raise Held(Reason.RESIDUAL_TEXT, f"text is left in {len(residual)} places after mending", result=result)

    def _write(
        self, frames: Frames, scrubbed: ScrubbedHeader, plan: RedactionPlan, output: Path, *, text_is_gone: bool
    ) -> Output | VideoOutput:
        if frames.syntax.is_video:
            from pipeline.video import write_video  # noqa: PLC0415  few objects are video

            video = write_video(output, scrubbed.dataset, frames, plan, text_is_gone=text_is_gone)
            verify_identity(output, scrubbed.dataset, scrubbed.identifiers, pixels_follow=True)
            return video
        written = write_redacted(output, scrubbed.dataset, choose_output(frames, plan), text_is_gone=text_is_gone)
        verify_identity(output, scrubbed.dataset, scrubbed.identifiers, pixels_follow=True)
        return written

    def _copied(
        self, frames: Frames, scrubbed: ScrubbedHeader, plan: RedactionPlan, output: Path, *, text_is_gone: bool
    ) -> DeidentifiedInstance:
        copy_pixels(output, scrubbed.dataset, frames, plan, text_is_gone=text_is_gone)
        verify_identity(output, scrubbed.dataset, scrubbed.identifiers, pixels_follow=True)
        verify_copy(output, frames)
        return self._result(scrubbed, frames.syntax.uid, plan.findings(), output)

    def _as_computed(
        self,
        source: OpenInstance,
        frames: Frames,
        scrubbed: ScrubbedHeader,
        output: Path,
        crops: KnownCrops,
    ) -> DeidentifiedInstance:
        """Write computed frames as they are: no text is looked for in them, and a blanked voxel is a wrong one.

        Those that lie on the frames of cropped images are cropped like these.
        """
        d = frames.description
        crop = crop_of_frames(source.header, Kind.GRID, self.profile, crops, rows=d.rows, columns=d.columns)
        plan = cropped_plan(d, crop)
        says_no = source.header.get("BurnedInAnnotation") == "NO"
        if not plan.changes_pixels and can_copy(frames):
            return self._copied(frames, scrubbed, plan, output, text_is_gone=says_no)
        written = self._write(frames, scrubbed, plan, output, text_is_gone=says_no)
        verify_pixels(output, written, None, self._keep_rule(scrubbed))
        return self._result(scrubbed, written.syntax.uid, written.plan.findings(), output)

    def _without_pixels(self, source: OpenInstance, scrubbed: ScrubbedHeader, output: Path) -> DeidentifiedInstance:
        syntax = SYNTAXES[source.source_syntax_uid]
        write_instance(output, scrubbed.dataset, syntax, None)
        verify_identity(output, scrubbed.dataset, scrubbed.identifiers, pixels_follow=False)
        return self._result(scrubbed, syntax.uid, _NO_PIXELS, output)

    def _keep_rule(self, scrubbed: ScrubbedHeader) -> KeepRule:
        text = self.profile.pixels.text
        return KeepRule(words=frozenset(text.keep_words if text else ()), identifies=scrubbed.identifiers.in_text)

    def _result(
        self, scrubbed: ScrubbedHeader, syntax_uid: str, findings: Findings, output: Path
    ) -> DeidentifiedInstance:
        digest = hashlib.sha256()
        with output.open("rb") as file:
            while chunk := file.read(_READ_BYTES):
                digest.update(chunk)
        return DeidentifiedInstance(
            path=output,
            size_bytes=output.stat().st_size,
            sha256=digest.hexdigest(),
            sop_class_uid=scrubbed.sop_class_uid,
            transfer_syntax_uid=syntax_uid,
            sop_instance_uid=scrubbed.sop_instance_uid,
            series_instance_uid=scrubbed.series_instance_uid,
            study_instance_uid=scrubbed.study_instance_uid,
            patient_id=scrubbed.patient_id,
            findings=findings,
            profile_sha256=self.profile_sha256,
            model_sha256=dict(self.open()),
            crosswalk=scrubbed.crosswalk,
        )


def _open_models(config: ModelsConfig, *, text: Literal["ppocr", "craft", "union"], cone: bool) -> OpenedModels:
    from models.catalog import open_models  # noqa: PLC0415  50 MB of libraries that a header job never needs

    return open_models(config, text=text, cone=cone)


@contextmanager
def _only_held(output: Path) -> Iterator[None]:
    """Let nothing but `Held` and `TryLater` out, and no output with them unless it may be released."""
    result_stands = False
    try:
        yield
        result_stands = True
    except Held as held:
        result_stands = held.result is not None
        raise
    except (ModelUnavailable, ModelFailed) as error:
        raise Held(Reason.MODEL_UNAVAILABLE, f"a model broke ({type(error).__name__})") from error
    except MemoryError as error:
        raise Held(Reason.RESOURCE_LIMIT, "there was not enough memory") from error
    except PipelineError:
        raise
    except OSError as error:
        if error.errno in _PASSING:
            raise TryLater(f"the disk answered {errno.errorcode[error.errno]}") from error
        raise Held(Reason.INTERNAL_ERROR, type(error).__name__) from error
    except Exception as error:  # the last resort: recorded as held, by the class of the error alone
        logging.getLogger(__name__).error("internal error", extra={"error": type(error).__name__})  # noqa: TRY400  a traceback quotes header values
        raise Held(Reason.INTERNAL_ERROR, type(error).__name__) from error
    finally:
        if not result_stands:
            output.unlink(missing_ok=True)
