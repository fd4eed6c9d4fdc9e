"""Window: results shown on the screen."""

import subprocess
import sys
import tempfile
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError

_PROBE_SECONDS: Final = 20


class Window:
    """A window on the screen that shows one image after another.

    Escape, ``q`` or closing the window ends the showing: what comes later is not shown any more.
    Any other key goes on to the next image.
    """

    def __init__(self, title: str) -> None:
        """Make sure that there is a screen.

        Args:
            title: What the window's frame says.

        Raises:
            UsageError: There is none, or OpenCV was built without windows.
        """
        # OpenCV's window toolkit ends the whole process where it finds no display, so another
        # process tries first.
        attempt = "import cv2; cv2.namedWindow('ppms'); cv2.destroyAllWindows()"
        try:
            # Python would import from the current folder first, whatever lies there.
            with tempfile.TemporaryDirectory() as folder:
                tried = subprocess.run(
                    [sys.executable, "-c", attempt],
                    capture_output=True,
                    timeout=_PROBE_SECONDS,
                    cwd=folder,
                )
            usable = tried.returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            usable = False
        if not usable:
            raise UsageError("showing needs a display and an OpenCV with windows, found none")
        self._title = title
        self._open = True

    @property
    def is_open(self) -> bool:
        """Whether images are shown: False once the user has closed the window."""
        return self._open

    def show(self, image_bgr: NDArray[np.uint8], *, wait: bool = True) -> None:
        """Show an image.

        Args:
            image_bgr: (height, width, 3) uint8, BGR.
            wait: Wait for a key; otherwise go on at once, as for the frames of a video.
        """
        if not self._open:
            return
        cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        cv2.imshow(self._title, image_bgr)
        while True:
            # The shortest time in which the window is drawn.
            key = cv2.waitKey(50 if wait else 1)
            closed = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
            if closed or key in (27, ord("q")):
                self._open = False
                cv2.destroyAllWindows()
                return
            if key != -1 or not wait:
                return
