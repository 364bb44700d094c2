"""The pictures of the room: each view that somebody watches is composed once a size, and encoded once a class.

A composition is a thread: at each tick it draws the scene as it is told by then, from whatever each camera shows, and
hands the frame to its encoders. A machine that is too slow leaves pictures out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mixer.wire import Format, Scene
from mixer.worker.adaptation import Send
from mixer.worker.composing import Camera, compose
from mixer.worker.encoding import Listener
from mixer.worker.engine import Gst, name_thread, now
from mixer.worker.frames import STEP, Canvas
from mixer.worker.pace import Complaint
from mixer.worker.pictures import VideoEncoder, video_encoder

log = logging.getLogger("mixer.worker")

SECOND = 1_000_000_000
IDLE = 3 * SECOND
"""How long an encoder without listeners, and a composition without encoders, is kept: somebody may come back. One
whose view is gone is not kept at all: people who come and go would leave a personal picture each."""

Scenes = Mapping[str, Scene]


class Composition(threading.Thread):
    """Draw one view in one size, and feed its encoders."""

    def __init__(
        self, view: str, size: tuple[int, int], fps: int, scene: Callable[[str], Scene], camera: Camera
    ) -> None:
        super().__init__(name="compose", daemon=True)
        self.encoders: tuple[VideoEncoder, ...] = ()
        """Replaced as a whole by the main loop."""
        self.late = 0
        """Pictures left out because the machine was too slow."""
        self.idle_since = now()
        self._view, self._fps = view, fps
        self._scene, self._camera = scene, camera
        self._canvas = Canvas(*size)
        self._drawn: Scene | None = None
        self._complaint = Complaint()
        self._stopping = False

    def run(self) -> None:
        """Draw until `stop`."""
        name_thread("compose")
        number = now() * self._fps // SECOND + 1
        while not self._stopping:
            wait = number * SECOND // self._fps - now()
            if wait > 0:
                time.sleep(wait / 1e9)
                continue
            behind = -wait * self._fps // SECOND
            if behind:
                self.late += behind
                number += behind
            try:
                self._draw(number)
            except Exception as error:  # the next picture may do
                if self._complaint.due(now()):
                    log.exception("picture.failed view=%s", self._view, exc_info=error)
            number += 1
        for encoder in self.encoders:
            encoder.close()
        self._canvas.close()

    def stop(self) -> None:
        """End the thread and its encoders."""
        self._stopping = True
        if self.is_alive():
            self.join()

    def _draw(self, number: int) -> None:
        due = [encoder for encoder in self.encoders if _takes(encoder.send.fps, self._fps, number)]
        if not due:
            return
        scene = self._scene(self._view)
        cut, self._drawn = scene != self._drawn, scene
        frame = compose(self._canvas, scene, self._camera)
        frame.pts = number * SECOND // self._fps
        frame.duration = SECOND // self._fps
        for encoder in due:
            encoder.picture(frame, cut=cut)


def _takes(fps: int, ticks: int, number: int) -> bool:
    """Say whether an encoder of so many pictures a second takes this one of so many ticks a second."""
    return fps >= ticks or number * fps // ticks != (number - 1) * fps // ticks


@dataclass(slots=True)
class _Kept:
    encoder: VideoEncoder
    composition: Composition
    idle_since: int | None


Watched = tuple[str, Format, Send]
"""A view, how it is encoded, and in what class."""


class Showing:
    """All compositions and encoders of the room; for the main loop only."""

    def __init__(self, fps: int, camera: Camera) -> None:
        self._fps = fps
        self._camera = camera
        self._scenes: Scenes = {}
        self._compositions: dict[tuple[str, tuple[int, int]], Composition] = {}
        self._kept: dict[Watched, _Kept] = {}
        self._late = 0
        self._has_failed = False

    @property
    def late(self) -> int:
        """Pictures left out since the start."""
        return self._late + sum(one.late for one in self._compositions.values())

    def tell(self, scenes: Scenes) -> None:
        """Set what each view shows, from the next picture on."""
        self._scenes = scenes

    def scene(self, view: str) -> Scene:
        """Give what a view shows; one that nobody described is black."""
        return self._scenes.get(view) or Scene(view or "-", 1280, 720)

    def encoder(self, view: str, form: Format, send: Send) -> VideoEncoder:
        """Give the encoder of a view in a class, made where there is none yet."""
        key = (view, shared(form), send)
        kept = self._kept.get(key)
        if kept is None:
            composition = self._composition(view, (send.width, send.height))
            made = video_encoder(key[1], send, lambda: self._failed(key))
            composition.encoders = (*composition.encoders, made)
            kept = self._kept[key] = _Kept(made, composition, None)
        kept.idle_since = None
        return kept.encoder

    def listen(self, listeners: Mapping[int, Sequence[Listener]]) -> None:
        """Tell every encoder who listens; `listeners` goes by the identity of encoders."""
        for kept in self._kept.values():
            kept.encoder.listeners = tuple(listeners.get(id(kept.encoder), ()))

    def sweep(self) -> None:
        """Close what nobody has used for a while; a few times a second."""
        at = now()
        for key, kept in list(self._kept.items()):
            if kept.encoder.listeners:
                kept.idle_since = None
            elif kept.idle_since is None:
                kept.idle_since = at
            elif key[0] not in self._scenes or at - kept.idle_since > IDLE:
                self._lost(key)
        for place, composition in list(self._compositions.items()):
            if composition.encoders:
                composition.idle_since = at
            elif place[0] not in self._scenes or at - composition.idle_since > IDLE:
                composition.stop()
                self._late += composition.late
                del self._compositions[place]

    def failed(self) -> bool:
        """Say whether an encoder has failed since this was asked last: who listened to it needs another."""
        found, self._has_failed = self._has_failed, False
        return found

    def snapshot(self, view: str) -> Gst.Sample:
        """Draw a view in its own size."""
        scene = self.scene(view)
        canvas = Canvas(-(-scene.width // STEP) * STEP, -(-scene.height // 2) * 2)
        try:
            frame = compose(canvas, scene, self._camera)
            return Gst.Sample.new(frame.copy_deep(), canvas.caps, None, None)
        finally:
            canvas.close()

    def close(self) -> None:
        """End everything."""
        for composition in self._compositions.values():
            composition.stop()
        self._compositions.clear()
        self._kept.clear()

    def _composition(self, view: str, size: tuple[int, int]) -> Composition:
        found = self._compositions.get((view, size))
        if found is None:
            found = Composition(view, size, self._fps, self.scene, self._camera)
            self._compositions[view, size] = found
            found.start()
        return found

    def _failed(self, key: Watched) -> None:
        self._has_failed = True
        self._lost(key)

    def _lost(self, key: Watched) -> None:
        """Close one encoder; who still listens asks for another when the room settles."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            composition = kept.composition
            composition.encoders = tuple(one for one in composition.encoders if one is not kept.encoder)
            kept.encoder.close()


def shared(form: Format) -> Format:
    """Give what matters of a format to its encoder: of H.264, who decodes the high profile decodes what others do."""
    return Format(form.encoding, 0, packetization_mode=form.packetization_mode)
