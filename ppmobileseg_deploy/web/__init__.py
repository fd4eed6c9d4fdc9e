"""A page that segments pictures in the browser: its files, the runtime beneath it, and a server.

`write_page` puts them, and what `runtime_files` fetched, around an exported model; `PageServer`
shows the folder to browsers. The page itself is in ``page/``: HTML, one stylesheet and ES modules
without a framework.
"""

from .folder import check_page, write_page
from .onnxruntime_web import runtime_files
from .serving import PageServer

__all__ = ["PageServer", "check_page", "runtime_files", "write_page"]
