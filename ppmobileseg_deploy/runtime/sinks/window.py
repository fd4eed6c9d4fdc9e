"""A window that shows results."""

import subprocess
import sys
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError

_PROBE_SECONDS: Final = 20


class Window:
    """A window on the screen that shows one image after another.

    Any key goes on to the next image. Escape, ``q`` or closing the window ends the showing: what
    comes later is not shown any more.
    """

    def __init__(self, title: str) -> None:
        """Make sure that there is a screen.

        Args:
            title: What the window's frame says.

        Raises:
            UsageError: There is none, or OpenCV was built without windows.
        """
        # OpenCV's window toolkit ends the whole process where it finds no display, so another
        # one tries first.
        attempt = "import cv2; cv2.namedWindow('ppms'); cv2.destroyAllWindows()"
        try:
            tried = subprocess.run(
                [sys.executable, "-c", attempt], capture_output=True, timeout=_PROBE_SECONDS
            )
            usable = tried.returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            usable = False
        if not usable:
            raise UsageError("--show needs a display and an OpenCV with windows, found none")
        self._title = title
        self._open = True

    def show(self, image_bgr: NDArray[np.uint8]) -> None:
        """Show an image, (height, width, 3) uint8 BGR, and wait for a key."""
        if not self._open:
            return
        cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        cv2.imshow(self._title, image_bgr)
        while True:
            key = cv2.waitKey(50)
            closed = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
            if closed or key in (27, ord("q")):
                self._open = False
                cv2.destroyAllWindows()
                return
            if key != -1:
                return
